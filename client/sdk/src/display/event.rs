//! Events and queries' answers, read by the interface of their module.
use super::words::value_words;
use crate::directory::{Directory, Need};
use crate::rpc_types::EventView;
use crate::types::Interface;
use crate::types::interface::Field;
use crate::value::{Value, asset_beside, decode_fields, write_fields};
use serde::Serialize;
use serde_json::Value as Json;

/// An event with its fields read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct EventDescription {
    /// The module.
    pub module: String,
    /// The event's name.
    pub name: String,
    /// Its fields as JSON; null where no known interface has the event.
    pub fields: Json,
    /// Field and value in words.
    pub words: Vec<(String, String)>,
}

struct Read<'a> {
    interface: &'a Interface,
    fields: &'a [Field],
    values: Vec<Value>,
}

fn read<'a>(event: &EventView, directory: &'a Directory) -> Option<Read<'a>> {
    let interface = directory.interface(&event.module)?;
    let def = interface.events.iter().find(|def| def.name == event.name)?;
    let values = decode_fields(interface, &def.fields, &event.data.0).ok()?;
    Some(Read { interface, fields: &def.fields, values })
}

/// What a showing of the event uses and the directory lacks.
pub fn event_needs(event: &EventView, directory: &Directory) -> Vec<Need> {
    let mut needs = Vec::new();
    match read(event, directory) {
        Some(read) => read.values.iter().for_each(|value| super::mentions(value, directory, &mut needs)),
        None => needs.extend(event.module.parse().ok().map(Need::Interface)),
    }
    needs.retain(|need| !directory.has(need));
    needs
}

/// Describes an event.
pub fn describe_event(event: &EventView, directory: &Directory) -> EventDescription {
    let (fields, words) = match read(event, directory) {
        Some(read) => {
            (write_fields(read.interface, read.fields, &read.values, directory), fields_words(&read, directory))
        }
        None => (Json::Null, Vec::new()),
    };
    EventDescription { module: event.module.clone(), name: event.name.clone(), fields, words }
}

fn fields_words(read: &Read<'_>, directory: &Directory) -> Vec<(String, String)> {
    let unit = asset_beside(read.fields, &read.values, None);
    let pairs = read.fields.iter().zip(&read.values);
    pairs.map(|(field, v)| (field.name.clone(), value_words(read.interface, &field.ty, v, unit, directory))).collect()
}
