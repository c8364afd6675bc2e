#include "codegen/emit.h"
#include "codegen/object.h"

/* ---- rt_step ---- */

LLVMValueRef cg_emit_field(cg_emit *e, cg_step_field field) {
  if (e->fields[field]) return e->fields[field];
  const cg_step_field_info *info = &cg_step_fields[field];
  LLVMTypeRef i8 = LLVMInt8TypeInContext(e->context);
  LLVMTypeRef type =
      info->pointer ? LLVMPointerTypeInContext(e->context, 0) : LLVMInt32TypeInContext(e->context);
  LLVMValueRef offset = cg_offset(e, info->offset);
  LLVMValueRef at = LLVMBuildInBoundsGEP2(e->entry, i8, e->step, &offset, 1, "");
  LLVMValueRef value = LLVMBuildLoad2(e->entry, type, at, info->name);
  LLVMSetAlignment(value, info->pointer ? 8 : 4);
  return e->fields[field] = value;
}

/* Entry `slot` of a table of pointers. */
static LLVMValueRef table_entry(cg_emit *e, cg_step_field table, uint32_t slot) {
  LLVMTypeRef pointer = LLVMPointerTypeInContext(e->context, 0), i8 = LLVMInt8TypeInContext(e->context);
  LLVMValueRef offset = cg_offset(e, (int64_t)sizeof(void *) * slot); /* of this machine, as in rt_step */
  LLVMValueRef at = LLVMBuildInBoundsGEP2(e->entry, i8, cg_emit_field(e, table), &offset, 1, "");
  LLVMValueRef value = LLVMBuildLoad2(e->entry, pointer, at, "");
  LLVMSetAlignment(value, 8);
  return value;
}

/* ---- buffers ---- */

/* Dimensions as the scheduler laid them out; buffers it leaves alone have their logical ones. */
static uint32_t dimensions(const lp_function *f, const lp_buffer_info *b, uint32_t dim[LP_MAX_RANK]) {
  uint32_t rank = b->rank;
  memcpy(dim, b->dim, rank * sizeof *dim);
  if (rank) return rank;
  if (b->batched) dim[rank++] = b->storage == LP_INDEX ? f->padded : f->batch;
  for (uint32_t i = 0; i < b->shape.rank; i++) dim[rank++] = b->shape.dim[i];
  return rank;
}

static uint64_t bytes_of(const lp_function *f, const lp_buffer_info *b) {
  uint32_t dim[LP_MAX_RANK], rank = dimensions(f, b, dim);
  uint64_t bytes = net_type_bytes(b->type);
  for (uint32_t i = 0; i < rank; i++) bytes *= dim[i];
  return bytes;
}

/* What is read from one end to the other begins where a page does. In plain C a loop over weights that began
 * elsewhere took up to 40 % longer at two of thirteen offsets, one run each; in objects nothing was shown. */
static unsigned data_alignment(cg_emit *e, uint64_t bytes) {
  enum { LARGE = 64 << 10, PAGE = 4096 };
  if (bytes >= LARGE && e->target->lanes > 1) return PAGE;
  return e->inlined ? cg_storage_align(e->target) : 64;
}

static LLVMValueRef constant_data(cg_emit *e, lp_buffer buffer) {
  if (e->constants[buffer]) return e->constants[buffer];
  const lp_buffer_info *b = &e->f->buffers.at[buffer];
  LLVMValueRef data = LLVMConstStringInContext2(e->context, b->data, bytes_of(e->f, b), true);
  LLVMValueRef global = LLVMAddGlobal(e->module, LLVMTypeOf(data), net_text(e->n, b->name));
  LLVMSetInitializer(global, data);
  LLVMSetGlobalConstant(global, true);
  LLVMSetLinkage(global, LLVMPrivateLinkage);
  LLVMSetUnnamedAddress(global, LLVMGlobalUnnamedAddr);
  LLVMSetAlignment(global, data_alignment(e, bytes_of(e->f, b)));
  return e->constants[buffer] = global;
}

/* Where storages begin: the field is a table of pointers by slot, or the pointer itself; then the buffer lies
 * unit·offset + slot_bytes·slot bytes behind it. */
static const struct {
  cg_step_field field;
  bool table;
  uint32_t unit, slot_bytes;
} storages[] = {
    [LP_SCRATCH] = {CG_STEP_SCRATCH, false, 1, 0}, [LP_VARIABLE] = {CG_STEP_VARIABLES, false, 4, 0},
    [LP_COLUMN] = {CG_STEP_COLUMNS, true, 0, 0},   [LP_INDEX] = {CG_STEP_INDEX, false, 0, 0},
    [LP_SCALAR] = {CG_STEP_SCALARS, false, 0, 4},  [LP_OUTPUT] = {CG_STEP_OUTPUTS, true, 0, 0},
};
static const cg_step_field results[] = {CG_STEP_LOSS, CG_STEP_WEIGHT_SUM, CG_STEP_CORRECT};

/* Bytes between the start of its storage and the buffer. */
static uint64_t storage_offset(const lp_buffer_info *b) {
  if (b->storage == LP_CONSTANT || b->storage == LP_RESULT) return 0;
  uint64_t unit = storages[b->storage].unit, slot_bytes = storages[b->storage].slot_bytes;
  return unit * b->offset + slot_bytes * b->slot;
}

/* Storages start at multiples of 64, an object's scratch and constants of a vector; results are plain
 * variables of the runtime, rows of an object's the user's. */
static uint64_t base_alignment(const cg_emit *e, const lp_buffer_info *b) {
  bool rows = b->storage == LP_COLUMN || b->storage == LP_OUTPUT;
  if (b->storage == LP_RESULT || (rows && e->inlined)) return net_type_bytes(b->type);
  uint64_t bits = storage_offset(b) | (e->inlined ? cg_storage_align(e->target) : 64);
  return bits & -bits;
}

/* The first byte of the buffer. */
static LLVMValueRef base_of(cg_emit *e, lp_buffer buffer) {
  if (e->bases[buffer]) return e->bases[buffer];
  const lp_buffer_info *b = &e->f->buffers.at[buffer];
  if (b->storage == LP_CONSTANT) return e->bases[buffer] = constant_data(e, buffer);
  if (b->storage == LP_RESULT) return e->bases[buffer] = cg_emit_field(e, results[b->slot]);
  cg_step_field field = storages[b->storage].field;
  LLVMValueRef base = storages[b->storage].table ? table_entry(e, field, b->slot) : cg_emit_field(e, field);
  LLVMValueRef offset = cg_offset(e, (int64_t)storage_offset(b));
  if (storage_offset(b))
    base = LLVMBuildInBoundsGEP2(e->entry, LLVMInt8TypeInContext(e->context), base, &offset, 1, "");
  return e->bases[buffer] = base;
}

/* ---- addresses ---- */

typedef struct {
  LLVMValueRef at;
  unsigned align; /* that the indices prove, at most 64 */
} cg_address;

/* In objects rows that a tile has too many repeat the last one, read and written alike. */
static LLVMValueRef clamped_row(cg_emit *e, lp_expr row) {
  cg_index index;
  LLVMTypeRef i32 = LLVMInt32TypeInContext(e->context);
  LLVMValueRef at = cg_emit_index(e, row, &index);
  if (e->f->batch == 1) return LLVMConstNull(i32);
  LLVMValueRef last =
      LLVMBuildNUWSub(e->entry, cg_emit_field(e, CG_STEP_COUNT), LLVMConstInt(i32, 1, false), "");
  LLVMValueRef both[2] = {LLVMBuildTruncOrBitCast(e->builder, at, i32, ""), last};
  return cg_intrinsic(e, "llvm.umin", both, 2);
}

static void add_clamped(cg_emit *e, cg_index *index, lp_expr row, int64_t stride) {
  LLVMValueRef at = LLVMBuildZExtOrBitCast(e->builder, clamped_row(e, row), cg_offset_type(e), "");
  if (LLVMIsAConstantInt(at)) return;
  index->terms[index->count++] = (cg_term){at, stride, e->depth, 1, true, LP_NONE};
}

/* Row-major: ((i0·d1 + i1)·d2 + i2)… elements, as bytes. */
static cg_address address(cg_emit *e, lp_buffer buffer, uint32_t first, uint32_t count) {
  const lp_buffer_info *b = &e->f->buffers.at[buffer];
  uint32_t dim[LP_MAX_RANK], rank = dimensions(e->f, b, dim);
  if (!rank && count == 1) dim[rank++] = 1;
  if (count != rank) {
    cg_fault(e, "'%s' has %u dimensions, but is indexed by %u", net_text(e->n, b->name), rank, count);
    return (cg_address){base_of(e, buffer), 1};
  }
  cg_index sum = {0};
  int64_t stride = (int64_t)net_type_bytes(b->type);
  for (uint32_t k = count; k-- > 0; stride *= dim[k])
    if (k || b->storage != LP_OUTPUT || !e->inlined)
      cg_index_add(e, &sum, lp_list_at(e->f, first)[k], stride);
    else add_clamped(e, &sum, lp_list_at(e->f, first)[0], stride);
  /* Where every step goes forward, partial sums lie between the buffer's start and the element: inbounds. */
  LLVMValueRef (*gep)(LLVMBuilderRef, LLVMTypeRef, LLVMValueRef, LLVMValueRef *, unsigned, const char *) =
      cg_index_grows(&sum) ? LLVMBuildInBoundsGEP2 : LLVMBuildGEP2;
  LLVMTypeRef i8 = LLVMInt8TypeInContext(e->context);
  LLVMValueRef at = base_of(e, buffer), constant = cg_offset(e, sum.constant);
  for (uint32_t i = 0; i < sum.count; i++) {
    LLVMValueRef offset = cg_emit_term(e, &sum.terms[i]);
    at = gep(e->builder, i8, at, &offset, 1, "");
  }
  if (sum.constant) at = gep(e->builder, i8, at, &constant, 1, "");
  uint64_t align = cg_index_divisor(&sum), base = base_alignment(e, b);
  return (cg_address){at, (unsigned)(align < base ? align : base)};
}

static void note_access(cg_emit *e, LLVMValueRef instruction, lp_buffer buffer) {
  net_vec_push(e->arena, &e->accesses, (cg_access){instruction, buffer});
}

LLVMValueRef cg_emit_load(cg_emit *e, const lp_expr_info *load) {
  if (e->inlined && e->f->buffers.at[load->which].storage == LP_INDEX && load->lanes == 1 && load->count == 1)
    return clamped_row(e, lp_list_at(e->f, load->first)[0]);
  cg_address from = address(e, load->which, load->first, load->count);
  LLVMTypeRef type = cg_memory_type(e, load->type, load->lanes);
  LLVMValueRef value = LLVMBuildLoad2(e->builder, type, from.at, "");
  LLVMSetAlignment(value, from.align);
  note_access(e, value, load->which);
  if (load->type != NET_BOOL) return value;
  return LLVMBuildICmp(e->builder, LLVMIntNE, value, LLVMConstNull(type), "");
}

/* Lane by lane, where no permutation does it: there are no gathers of bytes. */
LLVMValueRef cg_emit_lookup(cg_emit *e, const lp_expr_info *lookup) {
  LLVMValueRef permuted = cg_emit_permuted(e, lookup);
  if (permuted) return permuted;
  LLVMValueRef places = cg_emit_expr(e, lookup->operand[0]), base = base_of(e, lookup->which);
  LLVMTypeRef type = cg_memory_type(e, lookup->type, 1), i32 = LLVMInt32TypeInContext(e->context);
  LLVMValueRef values = LLVMGetPoison(cg_type(e, lookup->type, lookup->lanes));
  for (uint32_t k = 0; k < lookup->lanes; k++) {
    LLVMValueRef lane = LLVMConstInt(i32, k, false), place = places;
    if (lookup->lanes > 1) place = LLVMBuildExtractElement(e->builder, places, lane, "");
    place = LLVMBuildZExtOrBitCast(e->builder, place, cg_offset_type(e), "");
    LLVMValueRef at = LLVMBuildInBoundsGEP2(e->builder, type, base, &place, 1, "");
    LLVMValueRef value = LLVMBuildLoad2(e->builder, type, at, "");
    LLVMSetAlignment(value, (unsigned)net_type_bytes(lookup->type));
    note_access(e, value, lookup->which);
    if (lookup->type == NET_BOOL)
      value = LLVMBuildICmp(e->builder, LLVMIntNE, value, LLVMConstNull(type), "");
    if (lookup->lanes == 1) return value;
    values = LLVMBuildInsertElement(e->builder, values, value, lane, "");
  }
  return values;
}

void cg_emit_store(cg_emit *e, const lp_stmt_info *store) {
  const lp_expr_info *x = lp_expr_at(e->f, store->value);
  LLVMValueRef value = cg_emit_expr(e, store->value);
  cg_address to = address(e, store->which, store->first, store->count);
  if (x->type == NET_BOOL)
    value = LLVMBuildZExt(e->builder, value, cg_memory_type(e, NET_BOOL, x->lanes), "");
  LLVMValueRef instruction = LLVMBuildStore(e->builder, value, to.at);
  LLVMSetAlignment(instruction, to.align);
  note_access(e, instruction, store->which);
}

/* ---- registers ---- */

/* Each element is an alloca of its own, which mem2reg makes an SSA value. */
LLVMValueRef cg_register_element(cg_emit *e, lp_reg reg, uint32_t i, uint32_t j) {
  const lp_reg_info *r = &e->f->regs.at[reg];
  if (i >= r->rows || j >= r->columns) {
    cg_fault(e, "register '%s' has no element [%u][%u]", net_text(e->n, r->name), i, j);
    i = j = 0;
  }
  LLVMValueRef *element = &e->regs[e->reg_first[reg] + i * r->columns + j];
  if (!*element) *element = LLVMBuildAlloca(e->entry, cg_type(e, r->type, r->lanes), net_text(e->n, r->name));
  return *element;
}

LLVMValueRef cg_emit_register(cg_emit *e, lp_reg reg, lp_expr i, lp_expr j) {
  int64_t row = 0, column = 0;
  if ((i && !cg_emit_constant(e, i, &row)) || (j && !cg_emit_constant(e, j, &column)))
    cg_fault(e, "register '%s' is indexed by what is not constant after unrolling",
             net_text(e->n, e->f->regs.at[reg].name));
  return cg_register_element(e, reg, (uint32_t)row, (uint32_t)column);
}

/* ---- alias scopes ---- */

/* Buffers that may share memory have the same scope: the same slot, or places that overlap. */
static bool may_overlap(const lp_function *f, const lp_buffer_info *a, const lp_buffer_info *b) {
  if (a->storage != b->storage || a->storage == LP_CONSTANT) return false;
  if (a->storage != LP_SCRATCH && a->storage != LP_VARIABLE) return a->slot == b->slot;
  uint64_t at = storage_offset(a), other = storage_offset(b);
  return at < other + bytes_of(f, b) && other < at + bytes_of(f, a);
}

typedef struct {
  lp_buffer buffer;
  uint32_t scope; /* index of the first buffer that it is joined with */
  LLVMValueRef own, others;
} cg_scope;
typedef NET_VEC(cg_scope) cg_scopes;

static uint32_t find_scope(cg_emit *e, cg_scopes *scopes, lp_buffer buffer) {
  for (uint32_t i = 0; i < scopes->count; i++)
    if (scopes->at[i].buffer == buffer) return i;
  return net_vec_push(e->arena, scopes, (cg_scope){.buffer = buffer, .scope = scopes->count});
}

/* Each takes the least scope among those it may overlap, until nothing changes. */
static void join_scopes(const lp_function *f, cg_scopes *scopes) {
  for (bool changed = true; changed;) {
    changed = false;
    for (uint32_t i = 0; i < scopes->count; i++)
      for (uint32_t j = 0; j < scopes->count; j++) {
        cg_scope *a = &scopes->at[i], *b = &scopes->at[j];
        if (b->scope >= a->scope) continue;
        if (!may_overlap(f, &f->buffers.at[a->buffer], &f->buffers.at[b->buffer])) continue;
        a->scope = b->scope;
        changed = true;
      }
  }
}

static LLVMMetadataRef string_node(cg_emit *e, const char *text, LLVMMetadataRef domain) {
  LLVMMetadataRef parts[2] = {LLVMMDStringInContext2(e->context, text, strlen(text)), domain};
  return LLVMMDNodeInContext2(e->context, parts, domain ? 2 : 1);
}

static LLVMValueRef list_node(cg_emit *e, LLVMMetadataRef *nodes, uint32_t count) {
  return LLVMMetadataAsValue(e->context, LLVMMDNodeInContext2(e->context, nodes, count));
}

void cg_emit_alias_scopes(cg_emit *e, const char *nest) {
  cg_scopes scopes = {0};
  for (uint32_t i = 0; i < e->accesses.count; i++) find_scope(e, &scopes, e->accesses.at[i].buffer);
  join_scopes(e->f, &scopes);
  LLVMMetadataRef *nodes = NET_NEW_ARRAY(e->arena, LLVMMetadataRef, scopes.count + 1);
  LLVMMetadataRef *list = NET_NEW_ARRAY(e->arena, LLVMMetadataRef, scopes.count + 1);
  LLVMMetadataRef domain = string_node(e, nest, NULL);
  for (uint32_t i = 0; i < scopes.count; i++)
    nodes[i] = string_node(e, net_arena_format(e->arena, "%s %u", nest, i), domain);
  for (uint32_t i = 0; i < scopes.count; i++) {
    uint32_t count = 0;
    for (uint32_t j = 0; j < scopes.count; j++)
      if (scopes.at[j].scope == j && j != scopes.at[i].scope) list[count++] = nodes[j];
    scopes.at[i].own = list_node(e, &nodes[scopes.at[i].scope], 1);
    scopes.at[i].others = count ? list_node(e, list, count) : NULL;
  }
  unsigned own = LLVMGetMDKindIDInContext(e->context, "alias.scope", 11);
  unsigned others = LLVMGetMDKindIDInContext(e->context, "noalias", 7);
  for (uint32_t i = 0; i < e->accesses.count; i++) {
    const cg_scope *s = &scopes.at[find_scope(e, &scopes, e->accesses.at[i].buffer)];
    LLVMSetMetadata(e->accesses.at[i].instruction, own, s->own);
    if (s->others) LLVMSetMetadata(e->accesses.at[i].instruction, others, s->others);
  }
  e->accesses.count = 0;
}
