;; A memory without the SDK, which behaves. The tests replace the lines between {braces} by something that does not.
;; Addresses: 0 scratch, 64 the manifest's list, 256 answers of cost, 512 facts, 1024 the manifest, 2048 texts, 131072 the heap.
(module
  (import "[export]codebench:plugin/memory@0.1.0" "[resource-new]instance" (func $new (param i32) (result i32)))
  {imports}
  (memory (export "memory") {pages})
  (table $table 1 funcref)
  (global $next (mut i32) (i32.const 131072))
  {data}

  ;; Never frees; grows when it must.
  (func $realloc (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $next) (i32.mul (memory.size) (i32.const 65536)))
      (then (drop (memory.grow (i32.add (i32.div_u (local.get $size) (i32.const 65536)) (i32.const 1))))))
    (local.get $at))
  (func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    {realloc})
  (func $deep (param i64) (result i64)
    (i64.add (call $deep (i64.add (local.get 0) (i64.const 1))) (i64.const 1)))
  (func $start {start})
  (start $start)

  (func (export "codebench:plugin/manifest@0.1.0#plugins") (result i32)
    {plugins})
  (func (export "codebench:plugin/memory@0.1.0#[static]instance.create")
    (param $id i32) (param $id_length i32) (param $parameters i32) (param $parameters_length i32) (param $clock i64) (param $word i64) (result i32)
    {create})
  (func (export "codebench:plugin/memory@0.1.0#[method]instance.facts") (param $self i32) (result i32)
    {facts})
  (func (export "codebench:plugin/memory@0.1.0#[method]instance.cost")
    (param $self i32) (param $layout i32) (param $rows i32) (param $length i32) (result i32)
    (local $count i32)
    (local.set $count (i32.mul (i32.div_u (local.get $length) (i32.const 8)) (i32.const 10)))
    {cost}))
