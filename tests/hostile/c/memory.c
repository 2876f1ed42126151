/* A memory in C without the SDK: MISDEED says what it does wrong, ID and KIND what it says of itself. Structures have the layout of the canonical ABI. */

#define BEHAVES 0
#define ENDLESS_LOOP 1
#define MEMORY_BOMB 2
#define RECURSION 3
#define TRAP 4
#define NOT_A_NUMBER 5
#define TOO_FEW_COSTS 6
#define TWO_GIGABYTES 7
#define UNLISTED_EVENT 8
#define WILD_POINTER 9
#define WRITES_EVERYWHERE 10
#define LIES_LATER 11

#ifndef MISDEED
#define MISDEED BEHAVES
#endif
#ifndef ID
#define ID "evil/memory"
#endif
#ifndef KIND
#define KIND "memory"
#endif

#define CONTRACT "codebench:plugin/memory@0.1.0"
#include "guest.h"

EXPORT("codebench:plugin/manifest@0.1.0#plugins") const list *plugins(void) {
    static const plugin memory = { TEXT(ID), TEXT(KIND), TEXT("0.1.0"), TEXT("A memory of somebody else.") };
    static list answer;
    answer = (list){ &memory, 1 };
    return &answer;
}

typedef struct { byte is_error; word handle; word rest[2]; } created;
EXPORT(CONTRACT "#[static]instance.create")
const created *create(const char *id, word id_length, const void *parameters, word count, number clock, number bits) {
    static created answer;
    answer.handle = new_handle(1);
    return &answer;
}

typedef struct {
    number clock_khz, channels, ranks, banks, row_bytes, burst_bytes, interleave_bytes, capacity_bytes, durations[4];
    double area_mm2, leakage_mw, background_mw;
    list events;
    struct { byte is_some; text name; byte cause; double energy_pj; } refresh_event;
} facts;

EXPORT(CONTRACT "#[method]instance.facts") const facts *state(word instance) {
    static facts answer = { 1000000, 2, 1, 4, 1024, 64, 256, 1ull << 32 };
    answer.area_mm2 = 2;
#if MISDEED == NOT_A_NUMBER
    answer.area_mm2 = __builtin_nan("");
#endif
    return &answer;
}

static volatile number sink __attribute__((unused));
static __attribute__((unused)) number deep(number n) { return n ? deep(n + 1) + sink : 0; }

typedef struct { byte is_error; list rows; word rest; } answered;
EXPORT(CONTRACT "#[method]instance.cost") const answered *cost(word instance, word layout, const number *rows, word length) {
    static answered answer;
    static word calls;
    word count = length / 8;
    number *costs = reallocate(0, 0, 8, count * 80);
    for (word i = 0; i < count * 10; i++) costs[i] = 0;
    for (word i = 0; i < count; i++) costs[i * 10] = rows[i * 8 + 1] / 64 + 1;
    answer.rows = (list){ costs, count * 10 };
    calls++;
#if MISDEED == ENDLESS_LOOP
    for (;;) sink++;
#elif MISDEED == MEMORY_BOMB
    for (;;) sink += __builtin_wasm_memory_grow(0, 16);
#elif MISDEED == RECURSION
    sink = deep(1);
#elif MISDEED == TRAP
    __builtin_trap();
#elif MISDEED == TOO_FEW_COSTS
    answer.rows.length--;
#elif MISDEED == TWO_GIGABYTES
    answer.rows.length = 0x10000000;
#elif MISDEED == UNLISTED_EVENT
    costs[2] = 1;
#elif MISDEED == WILD_POINTER
    answer.rows.at = (void *)0xfffffff8;
#elif MISDEED == WRITES_EVERYWHERE
    for (volatile byte *p = 0;; p++) *p = 0xff;
#elif MISDEED == LIES_LATER
    if (calls > 3) answer.rows.length = 1;
#endif
    return &answer;
}
