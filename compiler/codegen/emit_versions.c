/* One object for several levels of x86_64: every exported function goes on to its version for the best level
 * that the machine has. Which that is is found once, by cpuid and xgetbv, and kept in one atomic word;
 * several threads may find it at the same time, and find the same. */
#include "codegen/emit.h"
#include "codegen/object.h"

/* What processors say of themselves, as words of bits. */
typedef enum { LEAF1_ECX, LEAF7_EBX, LEAF7_ECX, EXTENDED_ECX, XCR0, WORDS } cpu_word;

enum {
  OSXSAVE = 1 << 27,
  XCR0_AVX = 1 << 1 | 1 << 2,
  XCR0_AVX512 = 1 << 5 | 1 << 6 | 1 << 7,
  LEVEL2 = 1 << 0 | 1 << 9 | 1 << 13 | 1 << 19 | 1 << 20, /* sse3, ssse3, cmpxchg16b, sse4.1, sse4.2 */
};

/* Bits that a feature needs; those of the operating system, which keeps the registers, beside the first that
 * needs it. */
static const struct {
  uint32_t feature;
  cpu_word word;
  uint32_t mask;
} needs[] = {
    {CG_SSE42, LEAF1_ECX, LEVEL2},         {CG_SSE42, EXTENDED_ECX, 1 << 0},
    {CG_POPCNT, LEAF1_ECX, 1 << 23},       {CG_AVX, LEAF1_ECX, 1 << 28 | OSXSAVE},
    {CG_AVX, XCR0, XCR0_AVX},              {CG_AVX2, LEAF7_EBX, 1 << 5},
    {CG_BMI, LEAF7_EBX, 1 << 3},           {CG_BMI2, LEAF7_EBX, 1 << 8},
    {CG_F16C, LEAF1_ECX, 1 << 29},         {CG_FMA, LEAF1_ECX, 1 << 12},
    {CG_LZCNT, EXTENDED_ECX, 1 << 5},      {CG_MOVBE, LEAF1_ECX, 1 << 22},
    {CG_AVX512F, LEAF7_EBX, 1 << 16},      {CG_AVX512F, XCR0, XCR0_AVX512},
    {CG_AVX512BW, LEAF7_EBX, 1 << 30},     {CG_AVX512CD, LEAF7_EBX, 1 << 28},
    {CG_AVX512DQ, LEAF7_EBX, 1 << 17},     {CG_AVX512VL, LEAF7_EBX, 1u << 31},
    {CG_AVX512VNNI, LEAF7_ECX, 1 << 11},
};
enum { NEEDS = sizeof needs / sizeof *needs };

static uint32_t mask_of(uint32_t has, cpu_word word) {
  uint32_t mask = 0;
  for (uint32_t i = 0; i < NEEDS; i++)
    if (needs[i].word == word && has & needs[i].feature) mask |= needs[i].mask;
  return mask;
}

static bool is_known(uint32_t has) {
  for (uint32_t i = 0; i < NEEDS; i++) has &= ~needs[i].feature;
  return !has;
}

static LLVMTypeRef word_type(cg_emit *e) { return LLVMInt32TypeInContext(e->context); }
static LLVMValueRef word(cg_emit *e, uint32_t value) { return LLVMConstInt(word_type(e), value, false); }

/* ---- what the machine has ---- */

typedef enum { EAX, EBX, ECX, EDX } cpu_register;

static LLVMValueRef inline_asm(cg_emit *e, LLVMTypeRef type, const char *text, const char *constraints,
                               LLVMValueRef a, LLVMValueRef b) {
  LLVMValueRef instruction = LLVMGetInlineAsm(type, text, strlen(text), constraints, strlen(constraints),
                                              true, false, LLVMInlineAsmDialectATT, false);
  return LLVMBuildCall2(e->builder, type, instruction, (LLVMValueRef[]){a, b}, b ? 2 : 1, "");
}

static LLVMValueRef cpuid(cg_emit *e, uint32_t leaf, cpu_register which) {
  LLVMTypeRef four[4] = {word_type(e), word_type(e), word_type(e), word_type(e)};
  LLVMTypeRef type = LLVMFunctionType(LLVMStructTypeInContext(e->context, four, 4, false), four, 2, false);
  LLVMValueRef all = inline_asm(e, type, "cpuid", "={ax},={bx},={cx},={dx},0,2,~{dirflag},~{fpsr},~{flags}",
                                word(e, leaf), word(e, 0));
  return LLVMBuildExtractValue(e->builder, all, which, "");
}

/* xgetbv, by its bytes: assemblers want a feature to know its name */
static LLVMValueRef read_xcr0(cg_emit *e) {
  LLVMTypeRef two[2] = {word_type(e), word_type(e)};
  LLVMTypeRef type = LLVMFunctionType(LLVMStructTypeInContext(e->context, two, 2, false), two, 1, false);
  LLVMValueRef both = inline_asm(e, type, ".byte 0x0f, 0x01, 0xd0",
                                 "={ax},={dx},{cx},~{dirflag},~{fpsr},~{flags}", word(e, 0), NULL);
  return LLVMBuildExtractValue(e->builder, both, 0, "");
}

/* Goes on in a block that only runs where the condition holds; finish_when gives the value from there, or 0.
 */
typedef struct {
  LLVMBasicBlockRef before, after;
} when;

static when begin_when(cg_emit *e, LLVMValueRef condition) {
  LLVMBasicBlockRef then = cg_block(e, "then");
  when w = {LLVMGetInsertBlock(e->builder), cg_block(e, "after")};
  LLVMBuildCondBr(e->builder, condition, then, w.after);
  LLVMPositionBuilderAtEnd(e->builder, then);
  return w;
}

static LLVMValueRef finish_when(cg_emit *e, when w, LLVMValueRef value) {
  LLVMBasicBlockRef then = LLVMGetInsertBlock(e->builder);
  LLVMBuildBr(e->builder, w.after);
  LLVMPositionBuilderAtEnd(e->builder, w.after);
  LLVMValueRef phi = LLVMBuildPhi(e->builder, word_type(e), "");
  LLVMAddIncoming(phi, (LLVMValueRef[]){word(e, 0), value}, (LLVMBasicBlockRef[]){w.before, then}, 2);
  return phi;
}

/* A word of a leaf that exists only if the first leaf of its kind says so. */
static LLVMValueRef leaf_word(cg_emit *e, uint32_t leaf, uint32_t first, cpu_register which) {
  LLVMValueRef most = cpuid(e, first, EAX);
  when w = begin_when(e, LLVMBuildICmp(e->builder, LLVMIntUGE, most, word(e, leaf), ""));
  return finish_when(e, w, cpuid(e, leaf, which));
}

static LLVMValueRef holds_all(cg_emit *e, LLVMValueRef bits, uint32_t mask) {
  LLVMValueRef masked = LLVMBuildAnd(e->builder, bits, word(e, mask), "");
  return LLVMBuildICmp(e->builder, LLVMIntEQ, masked, word(e, mask), "");
}

/* u32 detect(void): 1 for the first library, 2 for the next, … */
static LLVMValueRef emit_detect(cg_emit *e, const cg_library *library, const char *name) {
  LLVMValueRef function = cg_begin_function(e, name, LLVMFunctionType(word_type(e), NULL, 0, false));
  LLVMSetLinkage(function, LLVMInternalLinkage);
  cg_add_attribute(e, function, (unsigned)LLVMAttributeFunctionIndex, "noinline", 0);
  LLVMValueRef words[WORDS];
  words[LEAF1_ECX] = leaf_word(e, 1, 0, ECX);
  words[LEAF7_EBX] = leaf_word(e, 7, 0, EBX);
  words[LEAF7_ECX] = leaf_word(e, 7, 0, ECX);
  words[EXTENDED_ECX] = leaf_word(e, 0x80000001, 0x80000000, ECX);
  when saves = begin_when(e, holds_all(e, words[LEAF1_ECX], OSXSAVE));
  words[XCR0] = finish_when(e, saves, read_xcr0(e));
  LLVMValueRef level = word(e, 1);
  uint32_t number = 2;
  for (const cg_library *better = library->better; better; better = better->better, number++) {
    LLVMValueRef good = LLVMConstInt(LLVMInt1TypeInContext(e->context), 1, false);
    if (!is_known(better->target->has))
      cg_fault(e, "target '%s' has what cpuid is not asked for", better->target->name);
    for (cpu_word w = 0; w < WORDS; w++) {
      uint32_t mask = mask_of(better->target->has, w);
      if (mask) good = LLVMBuildAnd(e->builder, good, holds_all(e, words[w], mask), "");
    }
    level = LLVMBuildSelect(e->builder, good, word(e, number), level, "");
  }
  LLVMBuildRet(e->builder, level);
  cg_end_function(e);
  return function;
}

/* ---- going on ---- */

/* The level as it was found before, or now. */
static LLVMValueRef emit_level(cg_emit *e, LLVMValueRef kept, LLVMValueRef detect) {
  LLVMBasicBlockRef before = LLVMGetInsertBlock(e->builder), first = cg_block(e, "first"),
                    known = cg_block(e, "known");
  LLVMValueRef level = LLVMBuildLoad2(e->builder, word_type(e), kept, "level");
  LLVMSetOrdering(level, LLVMAtomicOrderingMonotonic);
  LLVMSetAlignment(level, 4);
  LLVMBuildCondBr(e->builder, LLVMBuildICmp(e->builder, LLVMIntEQ, level, word(e, 0), ""), first, known);
  LLVMPositionBuilderAtEnd(e->builder, first);
  LLVMValueRef found = LLVMBuildCall2(e->builder, LLVMGlobalGetValueType(detect), detect, NULL, 0, "found");
  LLVMValueRef store = LLVMBuildStore(e->builder, found, kept);
  LLVMSetOrdering(store, LLVMAtomicOrderingMonotonic);
  LLVMSetAlignment(store, 4);
  LLVMBuildBr(e->builder, known);
  LLVMPositionBuilderAtEnd(e->builder, known);
  LLVMValueRef phi = LLVMBuildPhi(e->builder, word_type(e), "");
  LLVMAddIncoming(phi, (LLVMValueRef[]){level, found}, (LLVMBasicBlockRef[]){before, first}, 2);
  return phi;
}

static void call_version(cg_emit *e, LLVMValueRef version) {
  uint32_t count = LLVMCountParams(e->function);
  LLVMValueRef *arguments = NET_NEW_ARRAY(e->arena, LLVMValueRef, count + 1);
  LLVMGetParams(e->function, arguments);
  LLVMValueRef call =
      LLVMBuildCall2(e->builder, LLVMGlobalGetValueType(version), version, arguments, count, "");
  LLVMSetTailCallKind(call, LLVMTailCallKindTail);
  LLVMBuildRetVoid(e->builder);
}

void cg_emit_versions(cg_emit *e, const cg_library *library, LLVMValueRef *const *versions) {
  e->target = library->target;
  cg_emit_begin(e, library->entries[0].f); /* for its builders */
  const char *first = library->entries[0].name;
  LLVMValueRef kept = LLVMAddGlobal(e->module, word_type(e), net_arena_format(e->arena, "%s.level", first));
  LLVMSetInitializer(kept, word(e, 0));
  LLVMSetLinkage(kept, LLVMInternalLinkage);
  LLVMSetAlignment(kept, 4);
  LLVMValueRef detect = emit_detect(e, library, net_arena_format(e->arena, "%s.detect", first));
  for (uint32_t i = 0; i < library->count; i++) {
    cg_begin_function(e, library->entries[i].name, LLVMGlobalGetValueType(versions[0][i]));
    if (e->tells_stack) cg_add_text_attribute(e, e->function, "warn-stack-size", "0");
    LLVMValueRef level = emit_level(e, kept, detect);
    LLVMBasicBlockRef base = cg_block(e, "base");
    LLVMValueRef choice = LLVMBuildSwitch(e->builder, level, base, 4);
    LLVMPositionBuilderAtEnd(e->builder, base);
    call_version(e, versions[0][i]);
    uint32_t number = 1;
    for (const cg_library *better = library->better; better; better = better->better, number++) {
      LLVMBasicBlockRef block = cg_block(e, better->target->name);
      LLVMAddCase(choice, word(e, number + 1), block);
      LLVMPositionBuilderAtEnd(e->builder, block);
      call_version(e, versions[number][i]);
    }
    cg_end_function(e);
  }
  cg_emit_end(e);
}
