/* An operation in C without the SDK, which lowers every vertex to a chain of COUNT nodes. */

#define CONTRACT "codebench:plugin/cnn-op@0.1.0"
#include "guest.h"
#include "json.h"

EXPORT("codebench:plugin/manifest@0.1.0#plugins") const list *plugins(void) {
    static const text keyword = TEXT("evil");
    static const plugin op = {
        TEXT("evil/op"), TEXT("cnn-op"), TEXT("0.1.0"), TEXT("Never comes to an end."), { 0, 0 }, { &keyword, 1 },
    };
    static list answer;
    answer = (list){ &op, 1 };
    return &answer;
}

typedef struct { byte is_error; word value; word rest[2]; } outcome;

EXPORT(CONTRACT "#[static]instance.create")
const outcome *create(const char *id, word id_length, const void *parameters, word count, number clock, number bits) {
    static outcome answer;
    answer.value = new_handle(1);
    return &answer;
}

typedef struct { byte is_error; number channels; number rest; } channels;
EXPORT(CONTRACT "#[method]instance.output-channels") const channels *output_channels(word instance, const char *request, word length) {
    static channels answer;
    answer.channels = 4;
    return &answer;
}

EXPORT(CONTRACT "#[method]instance.lower") const answered *lower(word instance, const char *request, word length) {
    begin_document(COUNT * 112);
    write_text("{\"nodes\":[");
    for (word i = 0; i < COUNT; i++) {
        write_text(i ? ",{\"name\":\"n" : "{\"name\":\"n");
        write_number(i);
        write_text("\",\"primitive\":{\"op\":\"activation\",\"function\":\"relu\"},\"inputs\":[");
        if (i) {
            write_text("{\"node\":");
            write_number(i - 1);
            write_text("}]}");
        } else {
            write_text("\"input\"]}");
        }
    }
    write_text("]}");
    return end_document();
}
