//! The shape of JSON: which keys there are, of which types, which may be missing. Values are left out.
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Keys whose content is declared by the module it is about (arguments of a call, fields of an event), not by the wallet.
const DECLARED: &[&str] = &["args", "fields", "body", "selectors"];
/// Keys whose content is the same wherever it stands, and is written down once.
const SHARED: &[&str] = &["proposal", "simulation", "receipt"];

/// Commands whose whole output is such content.
const DECLARED_OUTPUT: &[&str] = &["contract query"];

/// What was seen at one place.
#[derive(Default)]
struct Place {
    types: BTreeSet<String>,
    seen: usize,
    /// How often it was an object, which has members.
    objects: usize,
}

/// Shapes by command, or by shared key.
#[derive(Default)]
pub struct Shapes(BTreeMap<String, BTreeMap<String, Place>>);

impl Shapes {
    /// Adds what a command printed.
    pub fn record(&mut self, of: &str, value: &Value) {
        match DECLARED_OUTPUT.contains(&of) {
            true => self.see(of, "", "declared"),
            false => self.walk(of, "", value),
        }
    }

    fn see(&mut self, of: &str, at: &str, found: &str) {
        let place = self.0.entry(of.into()).or_default().entry(at.into()).or_default();
        place.types.insert(found.into());
        place.seen += 1;
        place.objects += usize::from(found == "object");
    }

    fn walk(&mut self, of: &str, at: &str, value: &Value) {
        self.see(of, at, type_of(value));
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    let place = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                    if DECLARED.contains(&key.as_str()) {
                        self.see(of, &place, "declared");
                    } else if SHARED.contains(&key.as_str()) && member.is_object() {
                        self.see(of, &place, key);
                        self.walk(&format!("({key})"), "", member);
                    } else {
                        self.walk(of, &place, member);
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.walk(of, &format!("{at}[]"), item)),
            _ => {}
        }
    }

    /// One line for each place; commands with the same shape stand together.
    pub fn render(&self) -> String {
        let mut alike: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (of, places) in &self.0 {
            alike.entry(lines(places)).or_default().push(of);
        }
        let mut groups: Vec<(Vec<&str>, String)> = alike.into_iter().map(|(lines, of)| (of, lines)).collect();
        groups.sort();
        let mut text = String::new();
        for (of, lines) in groups {
            of.iter().for_each(|of| text.push_str(&format!("{of}\n")));
            text.push_str(&lines);
        }
        text
    }
}

fn lines(places: &BTreeMap<String, Place>) -> String {
    let mut lines = String::new();
    for (at, place) in places {
        let mut types = place.types.clone();
        if is_missing_somewhere(places, at, place) {
            types.insert("absent".into());
        }
        let types: Vec<&str> = types.iter().map(String::as_str).collect();
        let at = if at.is_empty() { "." } else { at };
        let _ = writeln!(lines, "    {at}: {}", types.join("|"));
    }
    lines
}

/// True if the object around it was seen more often than this member.
fn is_missing_somewhere(places: &BTreeMap<String, Place>, at: &str, place: &Place) -> bool {
    if at.is_empty() || at.ends_with("[]") {
        return false;
    }
    let around = at.rsplit_once('.').map_or("", |(around, _)| around);
    places.get(around).is_some_and(|around| around.objects > place.seen)
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[test]
fn shapes_tell_types_and_what_may_be_missing() {
    let mut shapes = Shapes::default();
    shapes.record("a", &serde_json::json!({"x": 1, "y": [{"z": null}, {"z": "t", "args": {"free": 1}}]}));
    shapes.record("a", &serde_json::json!({"y": [], "proposal": {"id": "1"}}));
    shapes.record("b", &serde_json::json!({"id": "2"}));
    shapes.record("c", &serde_json::json!({"w": null}));
    shapes.record("c", &serde_json::json!({"w": {"v": true}}));
    let expected = "(proposal)\nb\n    .: object\n    id: string\na\n    .: object\n    proposal: absent|proposal\n    \
                    x: absent|number\n    y: array\n    y[]: object\n    y[].args: absent|declared\n    y[].z: null|string\n\
                    c\n    .: object\n    w: null|object\n    w.v: boolean\n";
    assert_eq!(shapes.render(), expected);
}
