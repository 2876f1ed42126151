/* What every guest in C needs of the canonical ABI. CONTRACT, the name of the interface, is defined before. */

typedef unsigned char byte;
typedef unsigned int word;
typedef unsigned long long number;

typedef struct { const char *at; word length; } text;
typedef struct { const void *at; word length; } list;
#define TEXT(literal) { literal, sizeof(literal) - 1 }
#define EXPORT(name) __attribute__((export_name(name)))

__attribute__((import_module("[export]" CONTRACT), import_name("[resource-new]instance"))) word new_handle(word instance);

extern byte __heap_base;
static word next;

EXPORT("cabi_realloc") void *reallocate(void *old, word old_size, word align, word size) {
    if (!next) next = (word)&__heap_base;
    word at = (next + 7) & ~7u;
    next = at + size;
    word have = __builtin_wasm_memory_size(0) * 65536;
    if (next > have) __builtin_wasm_memory_grow(0, (next - have) / 65536 + 1);
    return (void *)at;
}

typedef struct {
    text id, kind, version, summary;
    list parameters, keywords, metrics, examples;
} plugin;
