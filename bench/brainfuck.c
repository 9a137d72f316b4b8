// The baseline of `trellis bench tinychain`: two Brainfuck engines in C.
//
//   cc -O2 -o brainfuck brainfuck.c && ./brainfuck (naive|folded) FILE [RUNS]
//
// `naive` executes one instruction at a time. `folded` has the blocks, folds, gas and bounds of
// Sources/TinyChain/Brainfuck, with computed goto. Each run begins with a fresh tape; printed are the
// seconds of the fastest one, gas, steps and FNV-1a of the output. Like the Swift engine, `folded` leaves
// to `naive` a block that may leave the tape or use up the gas.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CELLS = 65536 };

static uint8_t *code;
static uint32_t *partner;
static size_t length;

static uint8_t tape[CELLS];
static int64_t gas_left;
static uint64_t steps_done;
static uint64_t output_hash;

static void put(uint8_t byte) {
  output_hash = (output_hash ^ byte) * 0x100000001b3;
}

static void fail(const char *what) {
  fprintf(stderr, "brainfuck: %s\n", what);
  exit(1);
}

static void read_program(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) fail("no such file");
  fseek(file, 0, SEEK_END);
  size_t size = (size_t)ftell(file);
  rewind(file);
  code = malloc(size + 1);
  partner = calloc(size + 1, sizeof *partner);
  uint32_t *opened = malloc((size + 1) * sizeof *opened);
  size_t depth = 0;
  for (int c; (c = fgetc(file)) != EOF;) {
    if (!c || !strchr("><+-.,[]", c)) continue;
    if (c == '[') opened[depth++] = (uint32_t)length;
    if (c == ']') {
      if (!depth) fail("unbalanced");
      partner[length] = opened[--depth];
      partner[opened[depth]] = (uint32_t)length;
    }
    code[length++] = (uint8_t)c;
  }
  if (depth) fail("unbalanced");
  fclose(file);
  free(opened);
}

// MARK: One instruction at a time.

// From the instruction `counter` to the end, or (0) to a block's beginning if there are entries.
static size_t counter, pointer;
static uint32_t *entries;
static const uint32_t NO_ENTRY = UINT32_MAX;

static int run_naive(void) {
  size_t at = pointer, pc = counter;
  int64_t gas = gas_left;
  uint64_t steps = steps_done;
  const uint32_t *const ends = entries;
  while (pc < length) {
    uint8_t op = code[pc];
    int64_t price = op == '+' || op == '-' ? 4 : 1;
    if (gas < price) fail("out of gas");
    switch (op) {
      case '>': if (++at == CELLS) fail("left the tape"); break;
      case '<': if (at-- == 0) fail("left the tape"); break;
      case '+': tape[at]++; break;
      case '-': tape[at]--; break;
      case '.': put(tape[at]); break;
      case ',': tape[at] = 0; break;
      case '[': if (!tape[at]) pc = partner[pc]; break;
      case ']': if (tape[at]) pc = partner[pc]; break;
    }
    gas -= price;
    steps++;
    pc++;
    if (ends && ends[pc] != NO_ENTRY) break;
  }
  gas_left = gas;
  steps_done = steps;
  pointer = at;
  counter = pc;
  return pc == length;
}

// MARK: Folding. Slots and their fields are those of FoldedProgram.swift.

enum kind { BLOCK, MORE, ADD, ADD_TWO, INPUT, CLEAR, MULTIPLY, TARGET, OPEN, CLOSE, OUTPUT, SCAN, END };

struct slot {
  uint8_t kind, value;
  uint16_t count;
  int32_t offset;
  uint32_t word, word2;
};

struct sum {
  int32_t offset;
  uint8_t value;
};

struct reach {
  int32_t offset, least, most;
};

static struct slot *slots;
static size_t slot_count;
static size_t header;
static struct reach reach;
static uint32_t block_gas, block_steps;
static size_t *rests, rest_count;

static void move(struct reach *r, int32_t distance) {
  r->offset += distance;
  if (r->offset < r->least) r->least = r->offset;
  if (r->offset > r->most) r->most = r->offset;
}

static size_t add_sum(struct sum *sums, size_t count, int32_t offset, uint8_t value) {
  for (size_t i = count; i-- > (count > 8 ? count - 8 : 0);) {
    if (sums[i].offset == offset) {
      sums[i].value += value;
      return count;
    }
  }
  sums[count] = (struct sum){offset, value};
  return count + 1;
}

static struct sum *pending;
static size_t pending_count;

static void flush(void) {
  for (size_t i = 0; i < pending_count; i++) {
    struct sum sum = pending[i];
    struct slot *last = &slots[slot_count - 1];
    if (!sum.value) continue;
    if (i && last->kind == ADD) {
      *last = (struct slot){.kind = ADD_TWO, .value = last->value, .offset = last->offset,
                            .count = sum.value, .word = (uint32_t)sum.offset};
    } else {
      slots[slot_count++] = (struct slot){.kind = ADD, .value = sum.value, .offset = sum.offset};
    }
  }
  pending_count = 0;
}

static void begin_block(size_t at) {
  header = slot_count;
  entries[at] = (uint32_t)header;
  slots[slot_count++] = (struct slot){.kind = BLOCK};
  slots[slot_count++] = (struct slot){.kind = MORE, .word = (uint32_t)at};
  reach = (struct reach){0, 0, 0};
  block_gas = block_steps = 0;
}

static size_t end_block(struct slot last, int32_t more, size_t next) {
  last.offset = reach.offset;
  for (size_t i = pending_count; i-- > 0 && (last.kind == OPEN || last.kind == CLOSE);) {
    if (pending[i].offset != reach.offset) continue;
    last.value = pending[i].value;
    memmove(&pending[i], &pending[i + 1], (--pending_count - i) * sizeof *pending);
    break;
  }
  flush();
  size_t position = slot_count;
  slots[slot_count++] = last;
  if (more) slots[slot_count++] = (struct slot){.kind = MORE, .offset = more};
  slots[header].offset = reach.least;
  slots[header].word = block_gas;
  slots[header].word2 = block_steps;
  slots[header + 1].offset = reach.most;
  for (; rest_count; rest_count--) {
    slots[rests[rest_count - 1]].word = block_gas - slots[rests[rest_count - 1]].word;
    slots[rests[rest_count - 1]].word2 = block_steps - slots[rests[rest_count - 1]].word2;
  }
  if (last.kind != END) begin_block(next);
  return position;
}

// Whether the loop that opens at `at` became one instruction.
static int fold_loop(size_t at, struct sum *sums) {
  struct reach inside = {0, 0, 0};
  uint32_t gas = 1, steps = 1;
  uint8_t counter = 0;
  size_t count = 0;
  for (size_t pc = at + 1; pc < partner[at]; pc++) {
    steps++;
    gas += code[pc] == '+' || code[pc] == '-' ? 4 : 1;
    switch (code[pc]) {
      case '>': move(&inside, 1); break;
      case '<': move(&inside, -1); break;
      case '+':
      case '-': {
        uint8_t value = code[pc] == '+' ? 1 : 255;
        if (inside.offset == 0) counter += value;
        else count = add_sum(sums, count, inside.offset, value);
        break;
      }
      default: return 0;
    }
  }
  if (inside.offset == 0 && (counter == 1 || counter == 255)) {
    flush();
    size_t first = slot_count;
    slots[slot_count++] = (struct slot){.kind = CLEAR, .value = counter == 1 ? 255 : 0,
                                        .offset = reach.offset, .word = gas, .word2 = steps};
    rests[rest_count++] = slot_count;
    slots[slot_count++] = (struct slot){.kind = MORE, .offset = (int32_t)at,
                                        .word = block_gas - 1, .word2 = block_steps - 1};
    for (size_t i = 0; i < count; i++) {
      if (!sums[i].value) continue;
      slots[slot_count++] = (struct slot){.kind = TARGET, .value = sums[i].value,
                                          .offset = reach.offset + sums[i].offset};
      slots[first].count++;
      slots[first].kind = MULTIPLY;
    }
    if (reach.offset + inside.least < reach.least) reach.least = reach.offset + inside.least;
    if (reach.offset + inside.most > reach.most) reach.most = reach.offset + inside.most;
    return 1;
  }
  if (gas == steps && inside.offset && (uint32_t)abs(inside.offset) == steps - 1) {
    end_block((struct slot){.kind = SCAN, .word = gas, .word2 = (uint32_t)at + 1}, inside.offset,
              partner[at] + 1);
    return 1;
  }
  return 0;
}

static void fold(void) {
  slots = malloc((4 * length + 16) * sizeof *slots);
  rests = malloc((length + 1) * sizeof *rests);
  pending = malloc((length + 1) * sizeof *pending);
  struct sum *sums = malloc((length + 1) * sizeof *sums);
  size_t *opened = malloc((length + 1) * sizeof *opened), depth = 0;
  entries = malloc((length + 1) * sizeof *entries);
  memset(entries, 0xff, (length + 1) * sizeof *entries);
  begin_block(0);
  for (size_t pc = 0; pc < length; pc++) {
    block_steps++;
    block_gas += code[pc] == '+' || code[pc] == '-' ? 4 : 1;
    switch (code[pc]) {
      case '>': move(&reach, 1); break;
      case '<': move(&reach, -1); break;
      case '+': pending_count = add_sum(pending, pending_count, reach.offset, 1); break;
      case '-': pending_count = add_sum(pending, pending_count, reach.offset, 255); break;
      case ',':
        flush();
        slots[slot_count++] = (struct slot){.kind = INPUT, .offset = reach.offset};
        break;
      case '.': end_block((struct slot){.kind = OUTPUT}, 0, pc + 1); break;
      case '[':
        if (fold_loop(pc, sums)) pc = partner[pc];
        else opened[depth++] = end_block((struct slot){.kind = OPEN}, 0, pc + 1);
        break;
      case ']': {
        size_t open = opened[--depth];
        end_block((struct slot){.kind = CLOSE, .word = (uint32_t)open + 1}, 0, pc + 1);
        slots[open].word = (uint32_t)header;
        break;
      }
    }
  }
  end_block((struct slot){.kind = END}, 0, length);
}

// MARK: The engine.

static uint64_t zero_bytes(const uint8_t *bytes) {
  const uint64_t low = 0x7f7f7f7f7f7f7f7f;
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return ~(((word & low) + low) | word | low);
}

// How many moves a scan makes; -1 if it leaves the tape.
static inline int64_t moves_to_zero(const uint8_t *start, int64_t stride) {
  const uint8_t *cell = start;
  if (stride == 1) {
    for (; tape + CELLS - cell >= 8; cell += 8) {
      uint64_t zeros = zero_bytes(cell);
      if (zeros) return cell - start + __builtin_ctzll(zeros) / 8;
    }
  } else if (stride == -1) {
    for (; cell - tape >= 7; cell -= 8) {
      uint64_t zeros = zero_bytes(cell - 7);
      if (zeros) return start - cell + __builtin_clzll(zeros) / 8;
    }
  }
  int64_t moves = labs(cell - start);
  for (; cell >= tape && cell < tape + CELLS; cell += stride, moves++) {
    if (!*cell) return moves;
  }
  return -1;
}

#define NEXT goto *labels[slot->kind]

// Whole blocks from the one at `counter`; 0 before what `run_naive` has to judge.
static int run_blocks(void) {
  static const void *const labels[] = {&&block, &&more,   &&add,  &&add_two, &&input,  &&clear, &&multiply,
                                       &&more,  &&open,   &&close, &&output, &&scan,  &&end};
  const struct slot *slot = slots + entries[counter];
  uint8_t *cell = tape + pointer;
  int64_t gas = gas_left;
  uint64_t steps = steps_done;
  int finished = 0;

#define ENTER                                                               \
  do {                                                                      \
    int64_t left = gas - slot->word;                                        \
    int64_t room = cell + slot->offset - tape;                              \
    int64_t room2 = tape + CELLS - (cell + slot[1].offset) - 1;             \
    if ((left | room | room2) < 0) {                                        \
      counter = slot[1].word;                                               \
      goto leave;                                                           \
    }                                                                       \
    gas = left;                                                             \
    steps += slot->word2;                                                   \
    slot += 2;                                                              \
    NEXT;                                                                   \
  } while (0)

block:
  ENTER;
add:
  cell[slot->offset] += slot->value;
  slot++;
  NEXT;
add_two:
  cell[slot->offset] += slot->value;
  cell[(int32_t)slot->word] += (uint8_t)slot->count;
  slot++;
  NEXT;
input:
  cell[slot->offset] = 0;
  slot++;
  NEXT;
clear:
multiply: {
  uint8_t *counted = cell + slot->offset;
  uint8_t count = (uint8_t)((*counted ^ slot->value) - slot->value);
  int64_t price = (int64_t)count * slot->word;
  if (price > gas) {
    gas += slot[1].word;
    steps -= slot[1].word2;
    counter = (size_t)slot[1].offset;
    cell = counted;
    goto leave;
  }
  gas -= price;
  steps += (uint64_t)count * slot->word2;
  const struct slot *target = slot + 2, *last = target + slot->count;
  for (; target < last; target++) cell[target->offset] += target->value * count;
  *counted = 0;
  slot = last;
  NEXT;
}
open:
  cell += slot->offset;
  *cell += slot->value;
  slot = *cell ? slot + 1 : slots + slot->word;
  ENTER;
close:
  cell += slot->offset;
  *cell += slot->value;
  slot = *cell ? slots + slot->word : slot + 1;
  ENTER;
output:
  cell += slot->offset;
  put(*cell);
  slot++;
  ENTER;
scan: {
  cell += slot->offset;
  int64_t stride = slot[1].offset;
  int64_t moves = moves_to_zero(cell, stride);
  int64_t price = moves * slot->word;
  if (moves < 0 || price > gas) {
    counter = slot->word2;
    goto leave;
  }
  cell += moves * stride;
  gas -= price;
  steps += (uint64_t)price;
  slot += 2;
  ENTER;
}
end:
  cell += slot->offset;
  finished = 1;
leave:
  gas_left = gas;
  steps_done = steps;
  pointer = (size_t)(cell - tape);
  return finished;
more:
  abort();  // never the first slot of an instruction
}

static void run_folded(void) {
  for (;;) {
    if (entries[counter] != NO_ENTRY && run_blocks()) return;
    run_naive();
  }
}

int main(int count, char **words) {
  if (count < 3) fail("usage: brainfuck (naive|folded) FILE [RUNS]");
  read_program(words[2]);
  int folded = strcmp(words[1], "folded") == 0;
  if (folded) fold();
  double best = 1e9;
  for (int run = count > 3 ? atoi(words[3]) : 1; run > 0; run--) {
    memset(tape, 0, sizeof tape);
    gas_left = INT64_MAX;
    pointer = counter = steps_done = 0;
    output_hash = 0xcbf29ce484222325;
    struct timespec start, stop;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    if (folded) run_folded();
    else run_naive();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &stop);
    double seconds = (double)(stop.tv_sec - start.tv_sec) + (double)(stop.tv_nsec - start.tv_nsec) / 1e9;
    if (seconds < best) best = seconds;
  }
  printf("%.9f %lld %llu %016llx\n", best, (long long)(INT64_MAX - gas_left),
         (unsigned long long)steps_done, (unsigned long long)output_hash);
}
