/* TCG plugin of QEMU: how often every block of guest code was executed.
 *
 * Loaded with -plugin FILE,out=FILE[,mark=ADDRESS]...; writes lines of text:
 *   block ID ADDRESS CODE                 once, when it was first executed; code as hexadecimal
 *   count ID EXECUTED TAKEN SKEWED SPLIT  since the last mark
 *   mark ADDRESS FROM                     the block at ADDRESS was entered from the one at FROM
 * where TAKEN counts the exits anywhere but to the next address, SKEWED those of them to an
 * instruction of 32 bits that is not aligned to 32, and SPLIT the extra accesses of loads and stores
 * that are not aligned. The lines before the first mark count from the start on, the last ones to
 * the end; a mark's lines are in the file once the guest runs on.
 *
 * What an instruction costs is worked out from the code later: paritone.cycles.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------- What QEMU offers a plugin -- */

/* By QEMU's documentation of version 1 of its plugin interface (QEMU 6.0 to 8.2); a distribution's
 * package of QEMU does not hold the header. Pointers to structs are opaque. */
typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info qemu_info_t;
typedef struct qemu_plugin_tb qemu_plugin_tb_t;
typedef struct qemu_plugin_insn qemu_plugin_insn_t;
typedef uint32_t qemu_plugin_meminfo_t;
enum { QEMU_PLUGIN_CB_NO_REGS = 0 };
enum { QEMU_PLUGIN_MEM_RW = 3 };

typedef void translation_cb_t(qemu_plugin_id_t id, qemu_plugin_tb_t *tb);
typedef void execution_cb_t(unsigned cpu, void *userdata);
typedef void memory_cb_t(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address,
                         void *userdata);
typedef void end_cb_t(qemu_plugin_id_t id, void *userdata);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translation_cb_t *cb);
void qemu_plugin_register_vcpu_tb_exec_cb(qemu_plugin_tb_t *tb, execution_cb_t *cb, int flags,
                                          void *userdata);
void qemu_plugin_register_vcpu_mem_cb(qemu_plugin_insn_t *insn, memory_cb_t *cb, int flags,
                                      int which, void *userdata);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, end_cb_t *cb, void *userdata);
size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb_t *tb);
qemu_plugin_insn_t *qemu_plugin_tb_get_insn(const qemu_plugin_tb_t *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const qemu_plugin_insn_t *insn);
const void *qemu_plugin_insn_data(const qemu_plugin_insn_t *insn);
unsigned qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);

#define EXPORTED __attribute__((visibility("default")))
EXPORTED extern int qemu_plugin_version;
EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                                 char **argv);
int qemu_plugin_version = 1;

/* -------------------------------------------------------------- Counts -- */

/* A block of code: QEMU translates up to a branch, and may translate the same code again. */
typedef struct block {
    uint64_t address, end;
    uint64_t executed, taken, skewed, split;
    struct block *next_counted;
    uint32_t id;
    bool marked, skews, described;
    size_t size;
    uint8_t code[];
} block_t;

enum { MARKS = 64 };

static FILE *out;
static uint64_t marks[MARKS];
static size_t n_marks;
static uint32_t n_blocks;
static block_t *counted; /* those executed since the last mark */
static block_t *last;    /* executed before the present one */

static void describe(block_t *block)
{
    fprintf(out, "block %" PRIu32 " %" PRIx64 " ", block->id, block->address);
    for (size_t i = 0; i < block->size; i++) {
        fprintf(out, "%02x", block->code[i]);
    }
    fputc('\n', out);
    block->described = true;
}

static void write_counts(void)
{
    while (counted != NULL) {
        block_t *block = counted;
        if (!block->described) {
            describe(block);
        }
        fprintf(out, "count %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                block->id, block->executed, block->taken, block->skewed, block->split);
        block->executed = block->taken = block->skewed = block->split = 0;
        counted = block->next_counted;
    }
}

static void executes(unsigned cpu, void *userdata)
{
    block_t *block = userdata;

    (void)cpu;
    if (last != NULL && last->end != block->address) {
        last->taken++;
        last->skewed += block->skews;
    }
    if (block->marked) {
        write_counts();
        fprintf(out, "mark %" PRIx64 " %" PRIx64 "\n", block->address,
                last != NULL ? last->address : 0);
        fflush(out);
    }
    if (block->executed++ == 0) {
        block->next_counted = counted;
        counted = block;
    }
    last = block;
}

/* A word in two halves takes an access more, a word in three parts two, a halfword one. */
static void accesses(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *userdata)
{
    block_t *block = userdata;
    const unsigned shift = qemu_plugin_mem_size_shift(info);

    (void)cpu;
    if (shift >= 1 && (address & 1) != 0) {
        block->split += shift >= 2 ? 2 : 1;
    } else if (shift >= 2 && (address & 2) != 0) {
        block->split++;
    }
}

/* --------------------------------------------------------- Translation -- */

static bool is_mark(uint64_t address)
{
    bool found = false;
    for (size_t i = 0; i < n_marks; i++) {
        found = found || marks[i] == address;
    }
    return found;
}

/* Of a Thumb instruction, in bytes. QEMU's own figure is of no use: at the end of a page it holds the
 * next halfword too, which the translator looks at to see whether the next instruction fits. */
static size_t size_of(const uint8_t *insn)
{
    return insn[1] >> 3 >= 0x1d ? 4 : 2;
}

static void translated(qemu_plugin_id_t id, qemu_plugin_tb_t *tb)
{
    const size_t n = qemu_plugin_tb_n_insns(tb);
    block_t *block = calloc(1, sizeof *block + 4 * n); /* as long as QEMU may execute it */

    (void)id;
    if (block == NULL) {
        abort();
    }
    block->id = n_blocks++;
    block->address = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
    block->marked = is_mark(block->address);
    for (size_t i = 0; i < n; i++) {
        qemu_plugin_insn_t *insn = qemu_plugin_tb_get_insn(tb, i);
        const uint8_t *code = qemu_plugin_insn_data(insn);
        memcpy(block->code + block->size, code, size_of(code));
        block->size += size_of(code);
        qemu_plugin_register_vcpu_mem_cb(insn, accesses, QEMU_PLUGIN_CB_NO_REGS,
                                         QEMU_PLUGIN_MEM_RW, block);
    }
    block->end = block->address + block->size;
    block->skews = size_of(block->code) == 4 && (block->address & 2) != 0;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, executes, QEMU_PLUGIN_CB_NO_REGS, block);
}

/* ------------------------------------------------------ Start and end -- */

static void ended(qemu_plugin_id_t id, void *userdata)
{
    (void)id;
    (void)userdata;
    write_counts();
    fclose(out);
}

static bool take_argument(const char *argument)
{
    if (strncmp(argument, "out=", 4) == 0 && out == NULL) {
        out = fopen(argument + 4, "w");
        return out != NULL;
    }
    if (strncmp(argument, "mark=", 5) == 0 && n_marks < MARKS) {
        marks[n_marks++] = strtoull(argument + 5, NULL, 0);
        return true;
    }
    return false;
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    bool usable = true;

    (void)info;
    for (int i = 0; i < argc; i++) {
        usable = usable && take_argument(argv[i]);
    }
    if (!usable || out == NULL) {
        fputs("usage: -plugin FILE,out=FILE[,mark=ADDRESS]...\n", stderr);
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
