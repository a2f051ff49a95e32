//! Reads a module once: validates it under the allowed features and notes what the upload rules and the stack counter need.
use std::ops::Range;
use wasmparser::{
    BinaryReaderError, ConstExpr, DataKind, ElementItems, ElementKind, ExternalKind, FuncType, FuncValidator,
    FuncValidatorAllocations, FunctionBody, MemoryType, Operator, Parser, Payload, TypeRef, ValType, ValidPayload,
    Validator, WasmFeatures, WasmModuleResources,
};

/// WebAssembly 1.0 without floats, with exported mutable globals (the stack counter is one). It is all that Rust's
/// `wasm32v1-none` needs.
pub(crate) const FEATURES: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL;

/// A valid module, as the rules and the stack counter see it.
#[derive(Default)]
pub(crate) struct Scan<'a> {
    pub types: Vec<FuncType>,
    pub imports: Vec<(&'a str, &'a str, TypeRef)>,
    /// Type of each function, the imported ones first.
    pub functions: Vec<u32>,
    pub tables_elements: Vec<u64>,
    pub memories: Vec<MemoryType>,
    pub globals: u32,
    pub exports: Vec<(&'a str, ExternalKind, u32)>,
    pub has_start: bool,
    pub bodies: Vec<Body>,
    /// First byte after each active segment: of memory by data, of the table by elements.
    pub data_ends: Vec<u64>,
    pub element_ends: Vec<u64>,
    /// Contents of the interface sections.
    pub interfaces: Vec<&'a [u8]>,
    /// The other sections but the code, in order.
    pub sections: Vec<Section>,
}

/// A section to be copied.
pub(crate) struct Section {
    pub id: u8,
    pub contents: Range<usize>,
    /// Where the items begin, after their count, and the count; for sections that are lists.
    pub items: Option<(usize, u32)>,
}

/// A function's body.
#[derive(Default)]
pub(crate) struct Body {
    /// Locals and code.
    pub range: Range<usize>,
    /// Where the code begins.
    pub code_start: usize,
    /// Parameters and locals.
    pub locals: u64,
    /// Most operands on the stack at once.
    pub operands: u64,
    /// Each `return` and the number of blocks around it.
    pub returns: Vec<(usize, u32)>,
    /// Loops, and the most of them in one another.
    pub loops: u64,
    pub loop_depth: u64,
    /// Targets of all `br_table`s.
    pub table_targets: u64,
    /// What it returns; without multi-value at most one.
    pub result: Option<ValType>,
}

/// Validates `wasm` under [`FEATURES`].
pub(crate) fn scan(wasm: &[u8]) -> Result<Scan<'_>, BinaryReaderError> {
    let mut parser = Parser::new(0);
    // Without this the readers take encodings of features that the validator has switched off.
    parser.set_features(FEATURES);
    let mut validator = Validator::new_with_features(FEATURES);
    let mut scan = Scan::default();
    let mut allocations = FuncValidatorAllocations::default();
    for payload in parser.parse_all(wasm) {
        let payload = payload?;
        if let ValidPayload::Func(to_validate, body) = validator.payload(&payload)? {
            let mut function = to_validate.into_validator(std::mem::take(&mut allocations));
            let imported = scan.functions.len() - scan.defined_functions();
            let ty = &scan.types[scan.functions[imported + scan.bodies.len()] as usize];
            let body = read_body(&body, &mut function, ty)?;
            scan.bodies.push(body);
            allocations = function.into_allocations();
        }
        scan.note(payload)?;
    }
    Ok(scan)
}

impl<'a> Scan<'a> {
    /// How many functions are not imported.
    pub fn defined_functions(&self) -> usize {
        self.functions.len() - self.imports.iter().filter(|(_, _, ty)| matches!(ty, TypeRef::Func(_))).count()
    }

    /// The type of the function at `index`; the module is valid, so there is one.
    pub fn function_type(&self, index: u32) -> &FuncType {
        &self.types[self.functions[index as usize] as usize]
    }

    /// Notes a validated payload.
    fn note(&mut self, payload: Payload<'a>) -> Result<(), BinaryReaderError> {
        if let Some(section) = section(&payload) {
            self.sections.push(section);
        }
        match payload {
            Payload::TypeSection(types) => {
                self.types = types.into_iter_err_on_gc_types().collect::<Result<_, _>>()?;
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import?;
                    self.imports.push((import.module, import.name, import.ty));
                    match import.ty {
                        TypeRef::Func(ty) => self.functions.push(ty),
                        TypeRef::Global(_) => self.globals += 1,
                        _ => {}
                    }
                }
            }
            Payload::FunctionSection(functions) => {
                for function in functions {
                    self.functions.push(function?);
                }
            }
            Payload::TableSection(tables) => {
                for table in tables {
                    self.tables_elements.push(table?.ty.initial);
                }
            }
            Payload::MemorySection(memories) => self.memories = memories.into_iter().collect::<Result<_, _>>()?,
            Payload::GlobalSection(globals) => self.globals += globals.count(),
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    self.exports.push((export.name, export.kind, export.index));
                }
            }
            Payload::StartSection { .. } => self.has_start = true,
            Payload::ElementSection(elements) => {
                for element in elements {
                    let element = element?;
                    let count = match element.items {
                        ElementItems::Functions(items) => items.count(),
                        ElementItems::Expressions(_, items) => items.count(),
                    };
                    if let ElementKind::Active { offset_expr, .. } = element.kind {
                        self.element_ends.push(offset(&offset_expr)? + u64::from(count));
                    }
                }
            }
            Payload::DataSection(segments) => {
                for segment in segments {
                    let segment = segment?;
                    if let DataKind::Active { offset_expr, .. } = segment.kind {
                        self.data_ends.push(offset(&offset_expr)? + segment.data.len() as u64);
                    }
                }
            }
            Payload::CustomSection(custom) if custom.name() == countersign_types::host_abi::INTERFACE_SECTION => {
                self.interfaces.push(custom.data());
            }
            _ => {}
        }
        Ok(())
    }
}

/// The section of a payload, unless it is custom (which is dropped) or the code (which is rewritten).
fn section(payload: &Payload<'_>) -> Option<Section> {
    const CUSTOM: u8 = 0;
    const CODE: u8 = 10;
    let (id, contents) = payload.as_section()?;
    let items = match payload {
        Payload::GlobalSection(globals) => Some((globals.original_position(), globals.count())),
        Payload::ExportSection(exports) => Some((exports.original_position(), exports.count())),
        _ => None,
    };
    (id != CUSTOM && id != CODE).then_some(Section { id, contents, items })
}

/// The value of a segment's offset: a constant, or an imported global, whose module is refused for the import.
fn offset(expression: &ConstExpr<'_>) -> Result<u64, BinaryReaderError> {
    match expression.get_operators_reader().read()? {
        Operator::I32Const { value } => Ok(u64::from(value.cast_unsigned())),
        _ => Ok(0),
    }
}

/// Validates a body operator by operator and measures it.
fn read_body<R: WasmModuleResources>(
    body: &FunctionBody<'_>,
    function: &mut FuncValidator<R>,
    ty: &FuncType,
) -> Result<Body, BinaryReaderError> {
    let mut reader = body.get_locals_reader()?;
    let mut locals = ty.params().len() as u64;
    for _ in 0..reader.get_count() {
        let at = reader.original_position();
        let (count, ty) = reader.read()?;
        function.define_locals(at, count, ty)?;
        locals += u64::from(count);
    }
    let mut measured = Body {
        range: body.range(),
        code_start: reader.original_position(),
        locals,
        result: ty.results().first().copied(),
        ..Body::default()
    };
    let mut blocks = Blocks::default();
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        let at = operators.original_position();
        let operator = operators.read()?;
        function.op(at, &operator)?;
        measured.note(at, &operator, &mut blocks);
        measured.operands = measured.operands.max(u64::from(function.operand_stack_height()));
    }
    operators.finish()?;
    Ok(measured)
}

/// The blocks around an operator.
#[derive(Default)]
struct Blocks {
    /// For each whether it is a loop.
    are_loops: Vec<bool>,
    loops: u64,
}

impl Blocks {
    fn enter(&mut self, is_loop: bool) {
        self.are_loops.push(is_loop);
        self.loops += u64::from(is_loop);
    }

    /// Does nothing for the last `end`, which closes the function itself.
    fn leave(&mut self) {
        self.loops -= u64::from(self.are_loops.pop() == Some(true));
    }
}

impl Body {
    /// Notes a validated operator.
    fn note(&mut self, at: usize, operator: &Operator<'_>, blocks: &mut Blocks) {
        match operator {
            Operator::Block { .. } | Operator::If { .. } => blocks.enter(false),
            Operator::Loop { .. } => {
                blocks.enter(true);
                self.loops += 1;
                self.loop_depth = self.loop_depth.max(blocks.loops);
            }
            Operator::End => blocks.leave(),
            Operator::Return => {
                let around = u32::try_from(blocks.are_loops.len()).expect("each block takes a byte of the module");
                self.returns.push((at, around));
            }
            Operator::BrTable { targets } => self.table_targets += u64::from(targets.len()) + 1,
            _ => {}
        }
    }
}
