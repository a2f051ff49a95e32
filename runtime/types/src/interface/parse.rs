//! Reads the text of a declaration. Every step consumes a token and types nest to a bounded depth, so it always ends.
use super::{
    Basic, ErrorDef, EventDef, Field, Interface, InterfaceError, Method, MethodKind, RoleDef, Shape, Type, TypeDef,
};
use crate::bounded::is_deceptive;
use crate::limits;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Bytes of an identifier: it stands in tables and in JSON.
const WORD_BYTES_MAX: usize = 32;
/// Bytes of a display line or error text: a few lines on a small screen.
const QUOTED_BYTES_MAX: usize = 512;
/// Items of any one list of a declaration; an index of each fits a byte.
const ITEMS_MAX: usize = 128;

struct Parser<'a> {
    rest: &'a str,
    line: usize,
    doc: String,
}

type Parsed<T> = Result<T, InterfaceError>;

pub(super) fn parse(text: &str) -> Parsed<Interface> {
    let mut parser = Parser { rest: text, line: 1, doc: String::new() };
    if text.len() > limits::INTERFACE_BYTES_MAX {
        return Err(parser.error(&format!("longer than {} bytes", limits::INTERFACE_BYTES_MAX)));
    }
    refuse_deceptive(text)?;
    parser.keyword("module")?;
    let module = parser.kebab()?.parse().map_err(|error| parser.error(&format!("{error}")))?;
    parser.punct(';')?;
    let mut interface = Interface {
        module,
        types: Vec::new(),
        errors: Vec::new(),
        events: Vec::new(),
        methods: Vec::new(),
        selectors: Vec::new(),
    };
    while !parser.at_end() {
        parser.item(&mut interface)?;
    }
    Ok(interface)
}

/// All of it may be shown to people who sign; only spaces, tabs and line breaks stand between the words.
fn refuse_deceptive(text: &str) -> Parsed<()> {
    let found = text.char_indices().find(|(_, c)| is_deceptive(*c) && !matches!(c, '\n' | '\r' | '\t'));
    match found {
        None => Ok(()),
        Some((at, c)) => {
            let line = 1 + text[..at].matches('\n').count();
            Err(InterfaceError { line, what: format!("the character U+{:04X} is not allowed", u32::from(c)) })
        }
    }
}

impl<'a> Parser<'a> {
    fn error(&self, what: &str) -> InterfaceError {
        InterfaceError { line: self.line, what: what.to_string() }
    }

    fn skip_space(&mut self) {
        loop {
            let trimmed = self.rest.trim_start();
            self.line += self.rest[..self.rest.len() - trimmed.len()].matches('\n').count();
            self.rest = trimmed;
            let Some(comment) = trimmed.strip_prefix("///") else {
                return;
            };
            let (line, rest) = comment.split_once('\n').unwrap_or((comment, ""));
            if !self.doc.is_empty() {
                self.doc.push('\n');
            }
            self.doc.push_str(line.trim());
            self.line += 1;
            self.rest = rest;
        }
    }

    fn at_end(&mut self) -> bool {
        self.doc.clear();
        self.skip_space();
        self.rest.is_empty()
    }

    fn word_where(&mut self, allowed: impl Fn(char) -> bool) -> Parsed<&'a str> {
        self.skip_space();
        let end = self.rest.find(|c: char| !allowed(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() {
            return Err(
                self.error(&format!("a name is expected before `{}`", self.rest.chars().take(20).collect::<String>()))
            );
        }
        if word.len() > WORD_BYTES_MAX {
            return Err(self.error(&format!("a name is longer than {WORD_BYTES_MAX} bytes")));
        }
        self.rest = rest;
        Ok(word)
    }

    fn word(&mut self) -> Parsed<&'a str> {
        self.word_where(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    fn kebab(&mut self) -> Parsed<&'a str> {
        self.word_where(|c| c.is_ascii_alphanumeric() || c == '-')
    }

    fn keyword(&mut self, keyword: &str) -> Parsed<()> {
        let word = self.word()?;
        if word == keyword { Ok(()) } else { Err(self.error(&format!("`{keyword}` is expected, not `{word}`"))) }
    }

    fn eat(&mut self, c: char) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn punct(&mut self, c: char) -> Parsed<()> {
        if self.eat(c) {
            return Ok(());
        }
        Err(self.error(&format!("`{c}` is expected before `{}`", self.rest.chars().take(20).collect::<String>())))
    }

    /// A text in double quotes. There are no escapes: it holds no quote, backslash or line break.
    fn quoted(&mut self) -> Parsed<String> {
        self.punct('"')?;
        let (text, rest) = self.rest.split_once('"').ok_or_else(|| self.error("a text lacks its closing quote"))?;
        if text.len() > QUOTED_BYTES_MAX || text.contains(['\n', '\\']) {
            return Err(
                self.error(&format!("a text has at most {QUOTED_BYTES_MAX} bytes, no backslash, no line break"))
            );
        }
        self.rest = rest;
        Ok(text.to_string())
    }

    /// `open item, item, … close`, with an optional comma at the end.
    fn list<T>(&mut self, open: char, close: char, mut item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        self.punct(open)?;
        let mut items = Vec::new();
        while !self.eat(close) {
            if items.len() == ITEMS_MAX {
                return Err(self.error(&format!("more than {ITEMS_MAX} items")));
            }
            items.push(item(self)?);
            if !self.eat(',') {
                self.punct(close)?;
                break;
            }
        }
        Ok(items)
    }

    fn fields(&mut self, interface: &Interface) -> Parsed<Vec<Field>> {
        let fields = self.list('{', '}', |parser| {
            let name = parser.word()?.to_string();
            parser.punct(':')?;
            Ok(Field { name, ty: parser.ty(interface, 0)? })
        })?;
        self.distinct(fields.iter().map(|field| field.name.as_str()))?;
        Ok(fields)
    }

    fn ty(&mut self, interface: &Interface, depth: usize) -> Parsed<Type> {
        let name = self.word()?;
        if name == "Option" || name == "List" {
            self.punct('<')?;
            // Each angle bracket is one level; refuse before recursing, so that the stack is bounded too.
            if depth + 1 >= limits::TYPE_DEPTH_MAX {
                return Err(self.error("types nest too deeply"));
            }
            let inner = Box::new(self.ty(interface, depth + 1)?);
            self.punct('>')?;
            return self.checked_depth(interface, if name == "List" { Type::List(inner) } else { Type::Option(inner) });
        }
        if let Some((_, basic)) = Basic::ALL.iter().find(|(known, _)| *known == name) {
            return Ok(Type::Basic(*basic));
        }
        let declared = interface.types.iter().position(|def| def.name == name);
        let declared = declared.ok_or_else(|| self.error(&format!("the type `{name}` is not declared above")))?;
        self.checked_depth(interface, Type::Declared(declared))
    }

    fn checked_depth(&self, interface: &Interface, ty: Type) -> Parsed<Type> {
        if depth(interface, &ty) > limits::TYPE_DEPTH_MAX { Err(self.error("types nest too deeply")) } else { Ok(ty) }
    }

    fn distinct<'b>(&self, names: impl Iterator<Item = &'b str>) -> Parsed<()> {
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(self.error(&format!("`{}` is declared twice", pair[0]))),
            None => Ok(()),
        }
    }

    fn item(&mut self, interface: &mut Interface) -> Parsed<()> {
        self.skip_space();
        let doc = core::mem::take(&mut self.doc);
        match self.word()? {
            "struct" => {
                let name = self.type_name(interface)?;
                let shape = Shape::Struct(self.fields(interface)?);
                interface.types.push(TypeDef { name, shape });
            }
            "choice" => {
                let name = self.type_name(interface)?;
                let words = self.list('{', '}', |parser| parser.word().map(ToString::to_string))?;
                self.distinct(words.iter().map(String::as_str))?;
                interface.types.push(TypeDef { name, shape: Shape::Choice(words) });
            }
            "error" => {
                let code = self.word()?.parse().map_err(|_| self.error("an error's number is 0 to 65535"))?;
                let (name, text) = (self.word()?.to_string(), self.quoted()?);
                self.punct(';')?;
                if interface.error(code).is_some() {
                    return Err(self.error(&format!("error {code} is declared twice")));
                }
                interface.errors.push(ErrorDef { code, name, text });
            }
            "event" => {
                let (name, fields) = (self.word()?.to_string(), self.fields(interface)?);
                self.punct(';')?;
                interface.events.push(EventDef { name, doc, fields });
                self.distinct(interface.events.iter().map(|event| event.name.as_str()))?;
            }
            "call" => self.method(interface, MethodKind::Call, doc)?,
            "scheduled" => self.method(interface, MethodKind::Scheduled, doc)?,
            "query" => self.method(interface, MethodKind::Query, doc)?,
            other => return Err(self.error(&format!("`{other}` begins no declaration"))),
        }
        let counts = [interface.types.len(), interface.errors.len(), interface.events.len(), interface.methods.len()];
        if counts.iter().any(|count| *count > ITEMS_MAX) {
            return Err(self.error(&format!("more than {ITEMS_MAX} declarations of one sort")));
        }
        Ok(())
    }

    fn type_name(&mut self, interface: &Interface) -> Parsed<String> {
        let name = self.word()?;
        let known = Basic::ALL.iter().any(|(basic, _)| *basic == name) || matches!(name, "Option" | "List");
        if known || interface.types.iter().any(|def| def.name == name) {
            return Err(self.error(&format!("the type `{name}` is declared already")));
        }
        Ok(name.to_string())
    }

    fn method(&mut self, interface: &mut Interface, kind: MethodKind, doc: String) -> Parsed<()> {
        if interface.methods.last().is_some_and(|last| last.kind > kind) {
            return Err(self.error("calls come first, then scheduled methods, then queries"));
        }
        let name = self.word()?.to_string();
        let roles = if kind == MethodKind::Call { self.roles()? } else { Vec::new() };
        let fields = self.fields(interface)?;
        let mut returns = None;
        if kind == MethodKind::Query {
            self.punct('-')?;
            self.punct('>')?;
            returns = Some(self.ty(interface, 0)?);
        }
        let display = if kind == MethodKind::Call { self.quoted()? } else { String::new() };
        self.punct(';')?;
        let names = roles.iter().map(|role| role.name.as_str());
        self.distinct(names.chain(fields.iter().map(|field| field.name.as_str())))?;
        interface.methods.push(Method { kind, name, doc, roles, fields, returns, display });
        self.distinct(interface.methods.iter().map(|method| method.name.as_str()))
    }

    fn roles(&mut self) -> Parsed<Vec<RoleDef>> {
        let roles = self.list('(', ')', |parser| {
            let name = parser.word()?.to_string();
            Ok(RoleDef { name, many: parser.eat('*') })
        })?;
        let many_before_last = roles.iter().rev().skip(1).any(|role| role.many);
        if roles.is_empty() || many_before_last || roles.len() > limits::PARTIES_MAX {
            return Err(self.error("a call has at least one role, and only the last may end in `*`"));
        }
        Ok(roles)
    }
}

/// Levels of nesting; declared types come before their uses, so this ends.
fn depth(interface: &Interface, ty: &Type) -> usize {
    match ty {
        Type::Basic(_) => 1,
        Type::Option(inner) | Type::List(inner) => 1 + depth(interface, inner),
        Type::Declared(index) => match &interface.types[*index].shape {
            Shape::Choice(_) => 1,
            Shape::Struct(fields) => 1 + fields.iter().map(|field| depth(interface, &field.ty)).max().unwrap_or(0),
        },
    }
}
