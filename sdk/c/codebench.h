/* Plugins of codebench in C, for the sandbox: contract 0.1.0 (sdk/wit), kinds accel-module and memory.
 *
 * Include this header in one file, define the four functions marked "yours", build for wasm32 without a C library, and make
 * a component of it:
 *
 *   clang --target=wasm32 -O2 -nostdlib -I sdk/c -Wl,--no-entry -Wl,-z,stack-size=65536 -o my.core.wasm my.c
 *   codebench plugin pack my.core.wasm -o my.wasm
 *
 * A file holds plugins of one kind: accel-modules, or memories if CB_MEMORY is defined before the header is included.
 *
 * The structures below have the layout of the component model's canonical ABI, which for records is that of C on wasm32.
 * Memory: cb_new gives memory that lives as long as the instance of the module; whatever the host passes to a call lives until
 * that call has been answered. Nothing is freed by hand.
 */
#ifndef CODEBENCH_H
#define CODEBENCH_H

typedef unsigned char uint8_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
typedef long long int64_t;
typedef __SIZE_TYPE__ size_t;
_Static_assert(sizeof(void *) == 4, "build with --target=wasm32");

#define CB_ROW_LAYOUT 1

/* --- what crosses ------------------------------------------------------------------------------------------------------- */

typedef struct { const char *text; size_t length; } cb_text;
#define CB_TEXT(literal) { literal, sizeof(literal) - 1 }

enum { CB_BOOLEAN, CB_INTEGER, CB_FLOAT, CB_STRING };
typedef struct {
    uint8_t tag;
    union { uint8_t boolean; int64_t integer; double number; cb_text text; } as;
} cb_value;
typedef struct { uint8_t is_some; cb_value value; } cb_optional_value;
typedef struct { uint8_t is_some; cb_text text; } cb_optional_text;
typedef struct { cb_text name; cb_value value; } cb_parameter;

enum { CB_DOMAIN_INTEGER, CB_DOMAIN_FLOAT, CB_DOMAIN_CHOICE, CB_DOMAIN_BOOLEAN, CB_DOMAIN_TEXT };
typedef struct {
    uint8_t tag;
    union {
        struct { int64_t min, max; } integer;
        struct { double min, max; } number;
        struct { const cb_text *values; size_t count; } choice;
    } as;
} cb_domain;
typedef struct {
    cb_text name;
    cb_optional_text unit;
    cb_domain domain;
    cb_optional_value default_value;
    cb_text help;
} cb_parameter_description;

typedef struct { cb_text title, text; } cb_example;
typedef struct {
    cb_text id, kind;
    cb_text version, summary;
    const cb_parameter_description *parameters; size_t parameter_count;
    const cb_text *keywords; size_t keyword_count;
    const cb_text *metrics; size_t metric_count;
    const cb_example *examples; size_t example_count;
} cb_plugin;
typedef struct { const cb_plugin *plugins; size_t count; } cb_manifest;

enum { CB_INVALID, CB_INFEASIBLE, CB_NOT_FOUND, CB_FAILED, CB_LIMIT, CB_CONTRACT };
typedef struct { uint8_t kind; cb_text message; } cb_error;

enum { CB_CAUSE_MAC, CB_CAUSE_BUFFER_READ, CB_CAUSE_BUFFER_WRITE, CB_CAUSE_DMA, CB_CAUSE_MEMORY, CB_CAUSE_VECTOR, CB_CAUSE_CONTROL };
typedef struct { cb_text name; uint8_t cause; double energy_pj; } cb_event;

/* What an instance is made from: parameters by name, complete and in their ranges. */
typedef struct {
    const cb_parameter *parameters; size_t parameter_count;
    uint64_t clock_khz, word_bits;
} cb_configuration;

#ifndef CB_MEMORY

#define CB_KIND "accel-module"

/* Codes in rows and facts. */
enum {
    CB_ROLE_MEMORY = 1, CB_ROLE_ACTIVATION_BUFFER, CB_ROLE_WEIGHT_BUFFER, CB_ROLE_MASK_BUFFER, CB_ROLE_DMA,
    CB_ROLE_DATAFLOW, CB_ROLE_PRE_SPARSITY, CB_ROLE_COMPUTE, CB_ROLE_POST_SPARSITY, CB_ROLE_VECTOR,
};
enum {
    CB_PRIMITIVE_CONV = 1, CB_PRIMITIVE_DENSE, CB_PRIMITIVE_MAX_POOL, CB_PRIMITIVE_AVERAGE_POOL,
    CB_PRIMITIVE_GLOBAL_AVERAGE_POOL, CB_PRIMITIVE_BATCH_NORM, CB_PRIMITIVE_LOCAL_RESPONSE_NORM,
    CB_PRIMITIVE_ACTIVATION, CB_PRIMITIVE_ADD, CB_PRIMITIVE_MULTIPLY, CB_PRIMITIVE_CONCAT, CB_PRIMITIVE_SLICE,
    CB_PRIMITIVE_SHUFFLE, CB_PRIMITIVE_RESIZE, CB_PRIMITIVE_FLATTEN, CB_PRIMITIVE_DROPOUT, CB_PRIMITIVE_SOFTMAX,
};
enum {
    CB_ACTIVATION_IDENTITY = 1, CB_ACTIVATION_RELU, CB_ACTIVATION_RELU6, CB_ACTIVATION_SILU, CB_ACTIVATION_GELU,
    CB_ACTIVATION_HSWISH, CB_ACTIVATION_HSIGMOID, CB_ACTIVATION_SIGMOID, CB_ACTIVATION_TANH, CB_ACTIVATION_LEAKY_RELU,
};

/* What a module is: see ModuleFacts in codebench-model. */
typedef struct {
    double area_mm2, leakage_mw;
    const uint64_t *primitives; size_t primitive_count;
    const uint64_t *activations; size_t activation_count;
    uint64_t peak_macs_per_cycle;
    struct { uint64_t batch, y, x, in_channels, out_channels; } preferred_tile;
    uint64_t capacity_bytes, read_bytes_per_cycle, write_bytes_per_cycle;
    uint8_t skips_zero_activations, skips_zero_weights;
    const cb_event *events; size_t event_count;
} cb_facts;

/* Rows of the hot call: a tile, and what it costs. */
typedef struct {
    uint64_t role, primitive, activation;
    uint64_t batch, out_channels, out_y, out_x, in_channels, in_y, in_x;
    uint64_t groups, kernel_y, kernel_x, stride_y, stride_x, dilation_y, dilation_x;
    uint64_t operands, first_input_tile, last_input_tile;
    uint64_t macs, effective_macs;
    uint64_t activation_density_ppm, weight_density_ppm, overlap_ppm;
    uint64_t read_bytes, write_bytes, mask_bytes;
    uint64_t weight_bytes, same_weights, variant;
} cb_work;
typedef struct {
    uint64_t busy_cycles, fill_cycles;
    uint64_t activation_read_bytes, activation_write_bytes, weight_read_bytes, mask_read_bytes, mask_write_bytes;
    uint64_t events[8];
} cb_cost;
_Static_assert(sizeof(cb_work) == 31 * 8 && sizeof(cb_cost) == 15 * 8, "rows are numbers without gaps");

#else

#define CB_KIND "memory"

/* What a memory is: see MemoryFacts in codebench-model; durations in cycles of the memory's clock. */
typedef struct {
    uint64_t clock_khz, channels, ranks, banks_per_rank;
    uint64_t row_bytes, burst_bytes, interleave_bytes, capacity_bytes;
    uint64_t read_to_write_mem_cycles, write_to_read_mem_cycles;
    uint64_t refresh_every_mem_cycles, refresh_mem_cycles;
    double area_mm2, leakage_mw, background_mw;
    const cb_event *events; size_t event_count;
    struct { uint8_t is_some; cb_event event; } refresh_event;
} cb_facts;

/* Rows of the hot call: a transfer on one channel, and what it costs. */
typedef struct {
    uint64_t direction, bytes, runs, run_bytes;
    uint64_t row_hits, row_activates, row_conflicts, banks;
} cb_work;
typedef struct {
    uint64_t bus_mem_cycles, first_byte_mem_cycles;
    uint64_t events[8];
} cb_cost;
_Static_assert(sizeof(cb_work) == 8 * 8 && sizeof(cb_cost) == 10 * 8, "rows are numbers without gaps");

#endif

/* --- yours -------------------------------------------------------------------------------------------------------------- */

/* The plugins of this file. */
static cb_manifest plugin_manifest(void);
/* A configured plugin in memory of cb_new, or 0 after filling in `error`. */
static void *plugin_create(cb_text id, const cb_configuration *configuration, cb_error *error);
/* The same at every call. */
static cb_facts plugin_facts(const void *instance);
/* Writes the cost of each work; 0, or 1 after filling in `error`. `costs` is zeroed. */
static int plugin_cost(const void *instance, const cb_work *works, cb_cost *costs, size_t count, cb_error *error);

/* --- helpers ------------------------------------------------------------------------------------------------------------ */

extern char __heap_base;
static size_t cb_next, cb_mark;

static void *cb_take(size_t align, size_t size) {
    if (!cb_next) cb_next = (size_t)&__heap_base;
    size_t at = (cb_next + align - 1) & ~(align - 1);
    size_t end = at + size, have = __builtin_wasm_memory_size(0) * 65536;
    if (end < at) __builtin_trap();
    if (end > have && __builtin_wasm_memory_grow(0, (end - have + 65535) / 65536) == (size_t)-1) __builtin_trap();
    cb_next = end;
    return (void *)at;
}

/* Memory that lives as long as the module's instance; for use in plugin_create. */
static inline void *cb_new(size_t size) { return cb_take(8, size); }

static inline int cb_is(cb_text a, const char *literal) {
    size_t i = 0;
    for (; i < a.length; i++) if (!literal[i] || a.text[i] != literal[i]) return 0;
    return !literal[i];
}

/* One line for the user, on standard error behind the file's name; the host bounds number and length. Not for plugin_cost. */
enum { CB_LOG_DEBUG, CB_LOG_INFO, CB_LOG_WARNING, CB_LOG_ERROR };
__attribute__((import_module("codebench:plugin/log@0.1.0"), import_name("write"))) void cb_log_write(uint32_t level, const char *text, size_t length);
static inline void cb_log(uint32_t level, const char *text) {
    size_t length = 0;
    while (text[length]) length++;
    cb_log_write(level, text, length);
}

/* A whole-number parameter; traps on a name that the description does not have. */
static inline int64_t cb_integer(const cb_configuration *c, const char *name) {
    for (size_t i = 0; i < c->parameter_count; i++)
        if (cb_is(c->parameters[i].name, name)) return c->parameters[i].value.as.integer;
    __builtin_trap();
}

/* A number parameter. */
static inline double cb_number(const cb_configuration *c, const char *name) {
    for (size_t i = 0; i < c->parameter_count; i++)
        if (cb_is(c->parameters[i].name, name)) return c->parameters[i].value.as.number;
    __builtin_trap();
}

void *memset(void *at, int byte, size_t count) {
    char *p = at;
    while (count--) *p++ = (char)byte;
    return at;
}

void *memcpy(void *to, const void *from, size_t count) {
    char *t = to;
    const char *f = from;
    while (count--) *t++ = *f++;
    return to;
}

/* --- exports ------------------------------------------------------------------------------------------------------------ */

#define CB_INTERFACE "codebench:plugin/" CB_KIND "@0.1.0"
#define CB_EXPORT(name) __attribute__((export_name(name)))

__attribute__((import_module("[export]" CB_INTERFACE), import_name("[resource-new]instance"))) uint32_t cb_handle(void *instance);

CB_EXPORT("cabi_realloc") void *cb_realloc(void *old, size_t old_size, size_t align, size_t size) {
    void *fresh = cb_take(align, size);
    return old ? memcpy(fresh, old, old_size < size ? old_size : size) : fresh;
}

CB_EXPORT("codebench:plugin/manifest@0.1.0#plugins") const cb_manifest *cb_export_plugins(void) {
    static cb_manifest manifest;
    manifest = plugin_manifest();
    return &manifest;
}

typedef struct { uint8_t is_error; union { uint32_t handle; cb_error error; } as; } cb_created;
CB_EXPORT(CB_INTERFACE "#[static]instance.create")
const cb_created *cb_export_create(const char *id, size_t id_length, const cb_parameter *parameters, size_t count, uint64_t clock_khz, uint64_t word_bits) {
    static cb_created created;
    cb_configuration configuration = { parameters, count, clock_khz, word_bits };
    cb_error error = { CB_FAILED, CB_TEXT("the plugin could not be made") };
    void *instance = plugin_create((cb_text){ id, id_length }, &configuration, &error);
    created.is_error = !instance;
    if (instance) created.as.handle = cb_handle(instance);
    else created.as.error = error;
    cb_mark = cb_next;
    return &created;
}

CB_EXPORT(CB_INTERFACE "#[method]instance.facts") const cb_facts *cb_export_facts(const void *instance) {
    static cb_facts facts;
    facts = plugin_facts(instance);
    return &facts;
}

typedef struct { uint8_t is_error; union { struct { cb_cost *costs; size_t numbers; } ok; cb_error error; } as; } cb_costs;
CB_EXPORT(CB_INTERFACE "#[method]instance.cost")
const cb_costs *cb_export_cost(const void *instance, uint32_t layout, const cb_work *works, size_t numbers) {
    static cb_costs answer;
    size_t count = numbers / (sizeof(cb_work) / 8);
    cb_error error = { CB_CONTRACT, CB_TEXT("this plugin knows layout version 1 only") };
    cb_cost *costs = cb_take(8, count * sizeof(cb_cost));
    memset(costs, 0, count * sizeof(cb_cost));
    answer.is_error = layout != CB_ROW_LAYOUT || plugin_cost(instance, works, costs, count, &error);
    if (answer.is_error) answer.as.error = error;
    else { answer.as.ok.costs = costs; answer.as.ok.numbers = count * (sizeof(cb_cost) / 8); }
    return &answer;
}

/* The host has read the answer: what it passed and what it got may go. */
CB_EXPORT("cabi_post_" CB_INTERFACE "#[method]instance.cost") void cb_answered(const void *answer) { cb_next = cb_mark; }

#endif
