/* The functions that an object exports: each builds an rt_step on its own stack and calls the nests, which
 * are inlined, so that nothing of the struct is left. */
#include "codegen/emit.h"
#include "codegen/object.h"

/* A vector, or what C's types want, which stacks give. */
uint32_t cg_storage_align(const cg_target *target) {
  uint32_t vector = target->lanes * (uint32_t)sizeof(float),
           least = target->stack_align ? target->stack_align : 16;
  return vector > least ? vector : least;
}

size_t cg_scratch_bytes(const cg_target *target, const lp_function *f) {
  return f->scratch_bytes + cg_storage_align(target) - 1;
}

typedef struct {
  cg_emit *e;
  const cg_library *library;
  const cg_entry *entry;
  const char *name; /* of the function */
  uint32_t inputs, outputs;
  LLVMTypeRef size, pointer;
  LLVMValueRef columns, results; /* tables of pointers on the stack */
  LLVMValueRef nests;
} object_entry;

static LLVMValueRef constant(const object_entry *o, uint64_t value) {
  return LLVMConstInt(o->size, value, false);
}

static LLVMValueRef param(const object_entry *o, uint32_t port) {
  return LLVMGetParam(o->e->function, port + o->entry->rows);
}

/* base + bytes */
static LLVMValueRef behind(const object_entry *o, LLVMBuilderRef builder, LLVMValueRef base,
                           LLVMValueRef bytes) {
  return LLVMBuildInBoundsGEP2(builder, LLVMInt8TypeInContext(o->e->context), base, &bytes, 1, "");
}

static void set_field(const object_entry *o, cg_step_field field, LLVMValueRef value) {
  uint32_t offset = cg_step_fields[field].offset;
  LLVMBuildStore(o->e->builder, value, behind(o, o->e->builder, o->e->step, constant(o, offset)));
}

static LLVMValueRef room(const object_entry *o, uint64_t bytes, unsigned align, const char *name) {
  LLVMTypeRef type = LLVMArrayType2(LLVMInt8TypeInContext(o->e->context), bytes);
  LLVMValueRef at = LLVMBuildAlloca(o->e->entry, type, name);
  LLVMSetAlignment(at, align);
  return at;
}

/* A caller's scratch begins anywhere. */
static LLVMValueRef aligned_scratch(const object_entry *o) {
  LLVMValueRef given = LLVMGetParam(o->e->function, LLVMCountParams(o->e->function) - 1);
  LLVMValueRef address = LLVMBuildPtrToInt(o->e->builder, given, o->size, "");
  LLVMValueRef rest = LLVMBuildNeg(o->e->builder, address, "");
  rest = LLVMBuildAnd(o->e->builder, rest, constant(o, cg_storage_align(o->e->target) - 1), "");
  return behind(o, o->e->builder, given, rest);
}

/* Where an input's or output's row lies (NULL: the first). */
static LLVMValueRef place_of(const object_entry *o, uint32_t port, LLVMValueRef row) {
  net_type type = NET_F32;
  uint32_t width = 0;
  if (!row) return param(o, port);
  if (port < o->inputs) cg_port(o->entry->f, LP_COLUMN, port, &type, &width);
  else cg_port(o->entry->f, LP_OUTPUT, port - o->inputs, &type, &width);
  LLVMValueRef bytes = constant(o, width * (uint64_t)net_type_bytes(type));
  return behind(o, o->e->builder, param(o, port), LLVMBuildMul(o->e->builder, row, bytes, ""));
}

/* The rows that begin at `row`, `count` of them; then come those that begin at `next` (NULL: none). */
static void run_tile(const object_entry *o, LLVMValueRef row, LLVMValueRef count, LLVMValueRef next) {
  cg_emit *e = o->e;
  LLVMBuilderRef builder = e->builder;
  for (uint32_t i = 0; i < o->inputs + o->outputs; i++) {
    LLVMValueRef table = i < o->inputs ? o->columns : o->results;
    LLVMValueRef slot = constant(o, 8 * (uint64_t)(i < o->inputs ? i : i - o->inputs));
    LLVMSetAlignment(LLVMBuildStore(builder, place_of(o, i, row), behind(o, builder, table, slot)), 8);
  }
  LLVMTypeRef i32 = LLVMInt32TypeInContext(e->context);
  LLVMValueRef ahead = next ? LLVMBuildSub(builder, next, row, "ahead") : LLVMConstNull(i32);
  set_field(o, CG_STEP_AHEAD, LLVMBuildTruncOrBitCast(builder, ahead, i32, ""));
  set_field(o, CG_STEP_COUNT, count);
  LLVMBuildCall2(builder, LLVMGlobalGetValueType(o->nests), o->nests, &e->step, 1, "");
}

static LLVMValueRef smaller(const object_entry *o, LLVMValueRef a, LLVMValueRef b) {
  return cg_intrinsic(o->e, "llvm.umin", (LLVMValueRef[]){a, b}, 2);
}

/* for (row = 0; row < n; row++) NAME(row of every input, of every output) */
static void run_each(const object_entry *o, LLVMValueRef one) {
  cg_emit *e = o->e;
  LLVMBuilderRef builder = e->builder;
  LLVMValueRef n = LLVMGetParam(e->function, 0), zero = constant(o, 0);
  LLVMBasicBlockRef before = cg_block(e, "some"), body = cg_block(e, "row"), after = cg_block(e, "done");
  LLVMBuildCondBr(builder, LLVMBuildICmp(builder, LLVMIntEQ, n, zero, ""), after, before);
  LLVMPositionBuilderAtEnd(builder, before);
  LLVMBuildBr(builder, body);
  LLVMPositionBuilderAtEnd(builder, body);
  LLVMValueRef row = LLVMBuildPhi(builder, o->size, "row");
  LLVMValueRef *arguments = NET_NEW_ARRAY(e->arena, LLVMValueRef, o->inputs + o->outputs + 2);
  uint32_t count = o->inputs + o->outputs;
  for (uint32_t i = 0; i < count; i++) arguments[i] = place_of(o, i, row);
  if (o->library->weights) arguments[count] = param(o, count), count++;
  if (o->entry->scratch) arguments[count] = param(o, count), count++;
  LLVMTypeRef *types = NET_NEW_ARRAY(e->arena, LLVMTypeRef, count);
  for (uint32_t i = 0; i < count; i++) types[i] = o->pointer;
  LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(e->context), types, count, false);
  LLVMBuildCall2(builder, type, one, arguments, count, "");
  LLVMValueRef next = LLVMBuildNUWAdd(builder, row, constant(o, 1), "");
  LLVMAddIncoming(row, (LLVMValueRef[]){zero, next}, (LLVMBasicBlockRef[]){before, body}, 2);
  LLVMBuildCondBr(builder, LLVMBuildICmp(builder, LLVMIntULT, next, n, ""), body, after);
  LLVMPositionBuilderAtEnd(builder, after);
}

/* for (row = 0; row < n; row += T) { if (row + T > n && n > T) row = n − T; … min(n, T) rows } */
static void run_tiles(const object_entry *o) {
  cg_emit *e = o->e;
  LLVMBuilderRef builder = e->builder;
  LLVMValueRef n = LLVMGetParam(e->function, 0), tile = constant(o, o->entry->f->batch),
               zero = constant(o, 0);
  LLVMBasicBlockRef before = cg_block(e, "some"), body = cg_block(e, "tile"), after = cg_block(e, "done");
  LLVMBuildCondBr(builder, LLVMBuildICmp(builder, LLVMIntEQ, n, zero, ""), after, before);
  LLVMPositionBuilderAtEnd(builder, before);
  LLVMValueRef count = smaller(o, n, tile);
  LLVMValueRef last = LLVMBuildSub(builder, n, count, "last"); /* where the last tile begins */
  count = LLVMBuildTruncOrBitCast(builder, count, LLVMInt32TypeInContext(e->context), "count");
  LLVMBuildBr(builder, body);
  LLVMPositionBuilderAtEnd(builder, body);
  LLVMValueRef begin = LLVMBuildPhi(builder, o->size, "begin");
  LLVMAddIncoming(begin, &zero, &before, 1);
  LLVMValueRef row = smaller(o, begin, last), next = LLVMBuildNUWAdd(builder, begin, tile, "");
  run_tile(o, row, count, smaller(o, next, last));
  LLVMBasicBlockRef latch = LLVMGetInsertBlock(builder);
  LLVMAddIncoming(begin, &next, &latch, 1);
  LLVMBuildCondBr(builder, LLVMBuildICmp(builder, LLVMIntULT, next, n, ""), body, after);
  LLVMPositionBuilderAtEnd(builder, after);
}

/* Loops and constants may be called as what is exported; only that needs its name. */
static void free_name(cg_emit *e, const char *name) {
  LLVMValueRef function = LLVMGetNamedFunction(e->module, name), global = LLVMGetNamedGlobal(e->module, name);
  if (function) LLVMSetValueName2(function, "", 0);
  if (global) LLVMSetValueName2(global, "", 0);
}

static void begin_entry(object_entry *o) {
  cg_emit *e = o->e;
  free_name(e, o->name);
  LLVMTypeRef *types = NET_NEW_ARRAY(e->arena, LLVMTypeRef, o->inputs + o->outputs + 3);
  uint32_t count = 0, pointers = o->inputs + o->outputs + o->library->weights + o->entry->scratch;
  if (o->entry->rows) types[count++] = o->size;
  for (uint32_t i = 0; i < pointers; i++) types[count++] = o->pointer;
  LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(e->context), types, count, false);
  LLVMValueRef function = cg_begin_function(e, o->name, type);
  if (e->tells_stack) cg_add_text_attribute(e, function, "warn-stack-size", "0");
  cg_add_attribute(e, function, (unsigned)LLVMAttributeFunctionIndex, "noredzone",
                   0); /* which would come on top */
  for (uint32_t i = 0; i < count; i++)
    if (types[i] == o->pointer) cg_add_attribute(e, function, i + 1, "noalias", 0);
  for (uint32_t i = 0; i < o->inputs; i++)
    cg_add_attribute(e, function, i + o->entry->rows + 1, "readonly", 0);
  if (o->library->weights)
    cg_add_attribute(e, function, o->inputs + o->outputs + o->entry->rows + 1, "readonly", 0);
}

/* The function of one row that an entry of rows calls again and again: an entry's own, by a name that no
 * other object can take over (wasm would call an alias through a table). NULL: the entry has tiles of its
 * own. */
static LLVMValueRef function_of_row(const object_entry *o, LLVMValueRef const *functions) {
  for (uint32_t i = 0; i < o->library->count; i++) {
    const cg_entry *entry = &o->library->entries[i];
    if (!o->entry->rows || entry->rows || entry->f != o->entry->f || !functions[i]) continue;
    if (LLVMGetLinkage(functions[i]) == LLVMInternalLinkage || !o->e->target->anywhere) return functions[i];
    const char *name = net_arena_format(o->e->arena, "%s.row", entry->name);
    LLVMValueRef alias =
        LLVMAddAlias2(o->e->module, LLVMGlobalGetValueType(functions[i]), 0, functions[i], name);
    LLVMSetLinkage(alias, LLVMInternalLinkage);
    return alias;
  }
  return NULL;
}

static void emit_rows(object_entry *o) {
  cg_emit *e = o->e;
  const lp_function *f = o->entry->f;
  e->step = room(o, sizeof(rt_step), _Alignof(rt_step), "step");
  o->columns = room(o, 8 * (uint64_t)o->inputs, 8, "columns");
  o->results = room(o, 8 * (uint64_t)o->outputs, 8, "outputs");
  set_field(o, CG_STEP_COLUMNS, o->columns);
  set_field(o, CG_STEP_OUTPUTS, o->results);
  if (o->library->weights) set_field(o, CG_STEP_VARIABLES, param(o, o->inputs + o->outputs));
  if (f->scratch_bytes)
    set_field(o, CG_STEP_SCRATCH,
              o->entry->scratch ? aligned_scratch(o)
                                : room(o, f->scratch_bytes, cg_storage_align(e->target), "scratch"));
  if (o->entry->rows) run_tiles(o);
  else run_tile(o, NULL, LLVMConstInt(LLVMInt32TypeInContext(e->context), 1, false), NULL);
}

static LLVMValueRef emit_entry(object_entry *o, LLVMValueRef const *functions) {
  cg_emit *e = o->e;
  LLVMValueRef one = function_of_row(o, functions);
  if (!one && !(o->nests = cg_emit_nests(e))) return NULL;
  begin_entry(o);
  LLVMValueRef function = e->function;
  if (one) run_each(o, one);
  else emit_rows(o);
  LLVMBuildRetVoid(e->builder);
  cg_end_function(e);
  return function;
}

bool cg_port(const lp_function *f, lp_storage storage, uint32_t slot, net_type *type, uint32_t *width) {
  for (lp_buffer b = 0; b < f->buffers.count; b++) {
    const lp_buffer_info *info = &f->buffers.at[b];
    if (info->storage != storage || info->slot != slot) continue;
    *type = info->type, *width = (uint32_t)net_shape_elements(&info->shape);
    return true;
  }
  return false;
}

uint32_t cg_port_count(const lp_function *f, lp_storage storage) {
  net_type type;
  uint32_t count = 0, width;
  while (cg_port(f, storage, count, &type, &width)) count++;
  return count;
}

static bool is_plain(cg_emit *e, const lp_function *f, bool weights) {
  for (lp_buffer b = 0; b < f->buffers.count; b++) {
    lp_storage storage = f->buffers.at[b].storage;
    if ((storage != LP_VARIABLE || weights) && storage != LP_SCALAR && storage != LP_RESULT) continue;
    cg_fault(e, "'%s' has '%s', which is none of an object's", net_text(e->n, f->name),
             net_text(e->n, f->buffers.at[b].name));
  }
  if (f->masked) cg_fault(e, "'%s' is not exact", net_text(e->n, f->name));
  return !e->failed;
}

/* A constant of its own in the object, as it is. */
static void emit_description(cg_emit *e, const cg_library *library) {
  if (!library->description_name) return;
  LLVMValueRef data =
      LLVMConstStringInContext2(e->context, library->description, library->description_bytes, true);
  free_name(e, library->description_name);
  LLVMValueRef global = LLVMAddGlobal(e->module, LLVMTypeOf(data), library->description_name);
  LLVMSetInitializer(global, data);
  LLVMSetGlobalConstant(global, true);
  LLVMSetAlignment(global, 8);
}

/* The functions of one target; suffix: of their names, if others are exported. */
static void emit_target(cg_emit *e, const cg_library *library, const char *suffix, LLVMValueRef *functions) {
  LLVMTypeRef size = LLVMIntPtrTypeInContext(e->context, LLVMGetModuleDataLayout(e->module));
  e->target = library->target;
  for (uint32_t i = 0; i < library->count && !e->failed; i++) {
    const cg_entry *entry = &library->entries[i];
    object_entry o = {.e = e, .library = library, .entry = entry, .size = size};
    o.name = net_arena_format(e->arena, "%s%s", entry->name, suffix);
    o.pointer = LLVMPointerTypeInContext(e->context, 0);
    o.inputs = cg_port_count(entry->f, LP_COLUMN), o.outputs = cg_port_count(entry->f, LP_OUTPUT);
    if (!is_plain(e, entry->f, library->weights)) return;
    cg_emit_begin(e, entry->f);
    functions[i] = emit_entry(&o, functions);
    if (*suffix && functions[i]) LLVMSetLinkage(functions[i], LLVMInternalLinkage);
    cg_emit_end(e);
  }
}

static void emit_library(cg_emit *e, const cg_library *library) {
  uint32_t count = 0, number = 0;
  for (const cg_library *l = library; l; l = l->better) count++;
  LLVMValueRef **versions = NET_NEW_ARRAY(e->arena, LLVMValueRef *, count);
  for (const cg_library *l = library; l && !e->failed; l = l->better, number++) {
    versions[number] = NET_NEW_ARRAY(e->arena, LLVMValueRef, library->count + 1);
    const char *suffix = count > 1 ? net_arena_format(e->arena, ".%s", l->target->name) : "";
    emit_target(e, l, suffix, versions[number]);
  }
  if (count > 1 && !e->failed) cg_emit_versions(e, library, versions);
  emit_description(e, library);
}

bool cg_emit_library(cg_unit *unit, const cg_library *library) {
  net_arena arena;
  jmp_buf no_memory;
  net_arena_init(&arena, &no_memory);
  cg_emit e = {.n = unit->n,
               .target = library->target,
               .arena = &arena,
               .context = unit->context,
               .module = unit->module,
               .trouble = &unit->trouble,
               .inlined = true,
               .tells_stack = unit->product != CG_IR};
  if (setjmp(no_memory)) cg_note(&unit->trouble, "no memory to emit '%s'", library->entries[0].name);
  else emit_library(&e, library);
  net_arena_free(&arena);
  return !*unit->trouble.text;
}
