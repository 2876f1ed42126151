/* A surrogate in C without the SDK, whose answers are not those of its contract: MISDEED says which. */

#define BEHAVES 0
#define NOT_A_NUMBER 1
#define INFINITE 2
#define NEGATIVE_DEVIATION 3
#define TOO_MANY 4
#define GRADIENT_NOT_A_NUMBER 5
#define GRADIENT_TOO_SHORT 6
#define ENDLESS_FIT 7

#define CONTRACT "codebench:plugin/surrogate@0.1.0"
#include "guest.h"

EXPORT("codebench:plugin/manifest@0.1.0#plugins") const list *plugins(void) {
    static const plugin surrogate = { TEXT("evil/surrogate"), TEXT("surrogate"), TEXT("0.1.0"), TEXT("Predicts the future.") };
    static list answer;
    answer = (list){ &surrogate, 1 };
    return &answer;
}

typedef struct { byte is_error; word value; word rest[2]; } outcome;
static word outputs;

EXPORT(CONTRACT "#[static]instance.create")
const outcome *create(const char *id, word id_length, const void *parameters, word count, number clock, number bits,
                      number seed, word inputs, word context_outputs, const void *blocks, word block_count) {
    static outcome answer;
    outputs = context_outputs;
    answer.value = new_handle(1);
    return &answer;
}

static volatile number sink __attribute__((unused));

EXPORT(CONTRACT "#[method]instance.fit")
const outcome *fit(word instance, word layout, const double *x, word x_length, const double *y, word y_length) {
    static outcome answer;
#if MISDEED == ENDLESS_FIT
    for (;;) sink++;
#endif
    return &answer;
}

typedef struct { byte is_error; list numbers; word rest; } answered;
static const answered *numbers(word count, double value) {
    static answered answer;
    double *at = reallocate(0, 0, 8, count * 8);
    for (word i = 0; i < count; i++) at[i] = value;
    answer.numbers = (list){ at, count };
    return &answer;
}

EXPORT(CONTRACT "#[method]instance.predict")
const answered *predict(word instance, word layout, const double *x, word x_length, word rows) {
    word count = 3 * rows * outputs;
#if MISDEED == NOT_A_NUMBER
    return numbers(count, __builtin_nan(""));
#elif MISDEED == INFINITE
    return numbers(count, __builtin_inf());
#elif MISDEED == NEGATIVE_DEVIATION
    return numbers(count, -1);
#elif MISDEED == TOO_MANY
    return numbers(count + 1, 1);
#else
    return numbers(count, 1);
#endif
}

EXPORT(CONTRACT "#[method]instance.differentiable") word differentiable(word instance) { return 1; }

EXPORT(CONTRACT "#[method]instance.gradient")
const answered *gradient(word instance, word layout, const double *x, word inputs, const double *c, word count) {
#if MISDEED == GRADIENT_NOT_A_NUMBER
    return numbers(inputs, __builtin_nan(""));
#elif MISDEED == GRADIENT_TOO_SHORT
    return numbers(inputs - 1, 1);
#else
    return numbers(inputs, 1);
#endif
}

EXPORT(CONTRACT "#[method]instance.hvp")
const answered *hvp(word instance, word layout, const double *x, word inputs, const double *v, word v_count, const double *c, word count) {
    return numbers(inputs, 1);
}
