//! What texts the requests of the schema can carry.

use std::collections::{BTreeMap, BTreeSet};

use liaison_proto::FILE_DESCRIPTOR_SET;
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorSet};

/// No request of the schema is nested more deeply.
const DEPTH: usize = 6;

/// A field of text or bytes, as `Message.field`.
pub type Field = String;

/// The methods that people do not call.
const MACHINES: [&str; 2] = ["DeliverEvents", "BatchGetClassificationInputs"];

struct Schema(BTreeMap<String, DescriptorProto>, FileDescriptorSet);

fn schema() -> Schema {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).expect("the schema of this build");
    let messages = set.file.iter().flat_map(|file| {
        let package = file.package().to_owned();
        let named = move |message: &DescriptorProto| {
            let name = format!(".{package}.{}", message.name());
            (name, message.clone())
        };
        file.message_type.iter().map(named)
    });
    Schema(messages.collect(), set)
}

/// The request of every method that people call, as `.package.Message`.
///
/// # Panics
/// Where the schema of this build cannot be read.
#[must_use]
pub fn requests() -> BTreeSet<String> {
    let Schema(_, set) = schema();
    let services = set.file.iter().flat_map(|file| &file.service);
    let methods = services.flat_map(|service| &service.method);
    methods
        .filter(|method| !MACHINES.contains(&method.name()))
        .map(|method| method.input_type().to_owned())
        .collect()
}

/// Every field of text or bytes that a message of `roots` may hold, however deep.
///
/// # Panics
/// Where there is no such message.
#[must_use]
pub fn fields(roots: impl IntoIterator<Item = String>) -> BTreeSet<Field> {
    let Schema(messages, _) = schema();
    let (mut fields, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut open: Vec<String> = roots.into_iter().collect();
    while let Some(name) = open.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        // Times and spans of time, which hold no text.
        let Some(message) = messages.get(&name) else {
            assert!(name.starts_with(".google.protobuf."), "{name} is not there");
            continue;
        };
        for field in &message.field {
            match field.r#type() {
                Type::String | Type::Bytes => {
                    fields.insert(format!("{}.{}", message.name(), field.name()));
                }
                Type::Message => open.push(field.type_name().to_owned()),
                _ => {}
            }
        }
    }
    fields
}

/// The bytes of the request of `path` (`/package.Service/Method`) with `text` in every field of text or
/// bytes, and nothing else in it.
///
/// # Panics
/// Where the schema has no such method.
#[must_use]
pub fn filled(path: &str, text: &str) -> Vec<u8> {
    let Schema(messages, set) = schema();
    let wanted = |file: &prost_types::FileDescriptorProto| {
        let package = file.package().to_owned();
        file.service.iter().find_map(|service| {
            let of = format!("/{package}.{}/", service.name());
            let name = path.strip_prefix(&of)?;
            let method = service.method.iter().find(|method| method.name() == name)?;
            Some(method.input_type().to_owned())
        })
    };
    let input = set.file.iter().find_map(wanted);
    let input = input.unwrap_or_else(|| panic!("{path} is no method"));
    message(&messages, &input, text, DEPTH)
}

fn message(
    messages: &BTreeMap<String, DescriptorProto>,
    name: &str,
    text: &str,
    depth: usize,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Some(of) = messages.get(name).filter(|_| depth > 0) else {
        return bytes;
    };
    for field in &of.field {
        let value = match field.r#type() {
            Type::String | Type::Bytes => text.as_bytes().to_vec(),
            Type::Message => message(messages, field.type_name(), text, depth - 1),
            _ => continue,
        };
        let number = u32::try_from(field.number()).expect("numbers of fields are positive");
        encode_key(number, WireType::LengthDelimited, &mut bytes);
        encode_varint(value.len() as u64, &mut bytes);
        bytes.extend(value);
    }
    bytes
}
