/* An evaluator in C without the SDK, which answers COUNT metrics that it does not declare. */

#define CONTRACT "codebench:plugin/evaluator@0.1.0"
#include "guest.h"
#include "json.h"

EXPORT("codebench:plugin/manifest@0.1.0#plugins") const list *plugins(void) {
    static const plugin evaluator = { TEXT("evil/evaluator"), TEXT("evaluator"), TEXT("0.1.0"), TEXT("Knows too much.") };
    static list answer;
    answer = (list){ &evaluator, 1 };
    return &answer;
}

typedef struct { byte is_error; word value; word rest[2]; } outcome;

EXPORT(CONTRACT "#[static]instance.create")
const outcome *create(const char *id, word id_length, const void *parameters, word count, number clock, number bits) {
    static outcome answer;
    answer.value = new_handle(1);
    return &answer;
}

EXPORT(CONTRACT "#[method]instance.reads") const text *reads(word instance) {
    static const text none = TEXT("{}");
    return &none;
}

EXPORT(CONTRACT "#[method]instance.evaluate") const answered *evaluate(word instance, const char *job, word length) {
    begin_document(COUNT * 24);
    write_text("{\"values\":{");
    for (word i = 0; i < COUNT; i++) {
        write_text(i ? ",\"m" : "\"m");
        write_number(i);
        write_text("\":1");
    }
    write_text("}}");
    return end_document();
}

typedef struct { byte is_some; word rest[4]; } shape;
EXPORT(CONTRACT "#[method]instance.data-shape") const shape *data_shape(word instance, const char *data, word length) {
    static const shape none;
    return &none;
}
