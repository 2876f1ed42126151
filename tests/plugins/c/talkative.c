/* A DMA engine that says how many tiles it was asked. */

#include "codebench.h"

static cb_manifest plugin_manifest(void) {
    static const cb_plugin plugin = {
        .id = CB_TEXT("test/talkative"), .kind = CB_TEXT(CB_KIND), .version = CB_TEXT("0.1.0"), .summary = CB_TEXT("Talks."),
    };
    return (cb_manifest){ &plugin, 1 };
}

static void *plugin_create(cb_text id, const cb_configuration *configuration, cb_error *error) {
    return cb_new(1);
}

static cb_facts plugin_facts(const void *instance) {
    cb_log(CB_LOG_WARNING, "nothing has a cost here");
    return (cb_facts){ .read_bytes_per_cycle = 1, .write_bytes_per_cycle = 1 };
}

static int plugin_cost(const void *instance, const cb_work *works, cb_cost *costs, size_t count, cb_error *error) {
    return 0;
}
