/* A DMA engine in C: so many cycles to set a transfer up, then so many bytes a cycle. */

#include "codebench.h"

typedef struct {
    uint64_t bytes_per_cycle, setup_cycles;
    double byte_pj;
} tiny_dma;

static cb_manifest plugin_manifest(void) {
    static const cb_parameter_description parameters[] = {
        { CB_TEXT("bytes_per_cycle"), { 1, CB_TEXT("bytes") }, { CB_DOMAIN_INTEGER, { .integer = { 1, 1024 } } },
          { 1, { CB_INTEGER, { .integer = 16 } } }, CB_TEXT("Bytes moved in a cycle.") },
        { CB_TEXT("setup_cycles"), { 0 }, { CB_DOMAIN_INTEGER, { .integer = { 0, 1000 } } },
          { 1, { CB_INTEGER, { .integer = 8 } } }, CB_TEXT("Cycles before the first byte of a transfer.") },
        { CB_TEXT("byte_pj"), { 1, CB_TEXT("pJ") }, { CB_DOMAIN_FLOAT, { .number = { 0, 100 } } },
          { 1, { CB_FLOAT, { .number = 0.5 } } }, CB_TEXT("Energy of moving a byte.") },
    };
    static const cb_example examples[] = {
        { CB_TEXT("a wide one"),
          CB_TEXT("[[module]]\nrole = \"dma\"\nplugin = \"example/tiny-dma\"\nparameters = { bytes_per_cycle = 64 }") },
    };
    static const cb_plugin plugin = {
        CB_TEXT("example/tiny-dma"), CB_TEXT(CB_KIND),
        CB_TEXT("0.1.0"), CB_TEXT("DMA engine with a setup time and a width."),
        parameters, 3, 0, 0, 0, 0, examples, 1,
    };
    return (cb_manifest){ &plugin, 1 };
}

static void *plugin_create(cb_text id, const cb_configuration *configuration, cb_error *error) {
    tiny_dma *dma = cb_new(sizeof *dma);
    dma->bytes_per_cycle = cb_integer(configuration, "bytes_per_cycle");
    dma->setup_cycles = cb_integer(configuration, "setup_cycles");
    dma->byte_pj = cb_number(configuration, "byte_pj");
    return dma;
}

static cb_facts plugin_facts(const void *instance) {
    static cb_event event = { CB_TEXT("byte"), CB_CAUSE_DMA, 0 };
    const tiny_dma *dma = instance;
    event.energy_pj = dma->byte_pj;
    return (cb_facts){
        .area_mm2 = 0.002 + 0.0001 * dma->bytes_per_cycle,
        .leakage_mw = 0.01 + 0.001 * dma->bytes_per_cycle,
        .read_bytes_per_cycle = dma->bytes_per_cycle,
        .write_bytes_per_cycle = dma->bytes_per_cycle,
        .events = &event,
        .event_count = 1,
    };
}

static int plugin_cost(const void *instance, const cb_work *works, cb_cost *costs, size_t count, cb_error *error) {
    const tiny_dma *dma = instance;
    for (size_t i = 0; i < count; i++) {
        uint64_t bytes = works[i].read_bytes + works[i].write_bytes;
        if (bytes < works[i].read_bytes) {
            *error = (cb_error){ CB_INVALID, CB_TEXT("more than 2^64 bytes in one transfer") };
            return 1;
        }
        costs[i].busy_cycles = bytes ? dma->setup_cycles + (bytes - 1) / dma->bytes_per_cycle + 1 : 0;
        costs[i].events[0] = bytes;
    }
    return 0;
}
