//! The canonical words of a declaration and the selectors hashed from them.
use super::{Field, Interface, Method, MethodKind, Shape, Type, TypeDef};
use crate::hash::Hasher;
use crate::id::Selector;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// First 8 bytes of the hash of the module, the method's declaration and every declared type it reaches.
pub(super) fn of(interface: &Interface, method: &Method) -> Selector {
    let mut reached = BTreeSet::new();
    let types = method.fields.iter().map(|field| &field.ty).chain(method.returns.iter());
    types.for_each(|ty| reach(interface, ty, &mut reached));
    let mut hasher = Hasher::new("method");
    hasher.update(interface.module.as_str().as_bytes()).update(b"\n");
    hasher.update(method_text(interface, method).as_bytes());
    for index in reached {
        hasher.update(b"\n").update(type_text(interface, &interface.types[index]).as_bytes());
    }
    let hash = hasher.finish().0;
    Selector(hash[..8].try_into().expect("a hash is longer than a selector"))
}

/// Depth is bounded by `TYPE_DEPTH_MAX`, which parsing enforces.
fn reach(interface: &Interface, ty: &Type, reached: &mut BTreeSet<usize>) {
    match ty {
        Type::Basic(_) => {}
        Type::Option(inner) | Type::List(inner) => reach(interface, inner, reached),
        Type::Declared(index) => {
            if reached.insert(*index)
                && let Shape::Struct(fields) = &interface.types[*index].shape
            {
                fields.iter().for_each(|field| reach(interface, &field.ty, reached));
            }
        }
    }
}

pub(super) fn fields_text(interface: &Interface, fields: &[Field]) -> String {
    if fields.is_empty() {
        return "{}".into();
    }
    let fields: Vec<_> = fields.iter().map(|f| format!("{}: {}", f.name, interface.type_name(&f.ty))).collect();
    format!("{{ {} }}", fields.join(", "))
}

pub(super) fn type_text(interface: &Interface, def: &TypeDef) -> String {
    match &def.shape {
        Shape::Struct(fields) => format!("struct {} {}", def.name, fields_text(interface, fields)),
        Shape::Choice(words) => format!("choice {} {{ {} }}", def.name, words.join(", ")),
    }
}

pub(super) fn method_text(interface: &Interface, method: &Method) -> String {
    let name = &method.name;
    let fields = fields_text(interface, &method.fields);
    match method.kind {
        MethodKind::Call => {
            let roles: Vec<_> =
                method.roles.iter().map(|role| format!("{}{}", role.name, if role.many { "*" } else { "" })).collect();
            format!("call {name}({}) {fields} \"{}\"", roles.join(", "), method.display)
        }
        MethodKind::Scheduled => format!("scheduled {name} {fields}"),
        MethodKind::Query => {
            let returns = method.returns.as_ref().map_or_else(String::new, |ty| interface.type_name(ty));
            format!("query {name} {fields} -> {returns}")
        }
    }
}
