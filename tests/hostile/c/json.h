/* A JSON document of any length as the answer of a call. Include it after guest.h. */

typedef struct { byte is_error; text document; word rest; } answered;

static char *start, *end;

static void begin_document(word most_bytes) { start = end = reallocate(0, 0, 1, most_bytes + 64); }

static void write_text(const char *piece) {
    while (*piece) *end++ = *piece++;
}

static void write_number(word value) {
    char digits[10];
    word count = 0;
    do digits[count++] = (char)('0' + value % 10); while (value /= 10);
    while (count) *end++ = digits[--count];
}

static const answered *end_document(void) {
    static answered answer;
    answer.document = (text){ start, (word)(end - start) };
    return &answer;
}
