//! Messages of the API as JSON: what `--output json` prints and what dossier files hold.
//!
//! Field names are those of the schema (`snake_case`), instants are RFC 3339, enum values are names.
//! On the way in, an enum value may be written without its prefix: `URGENT` for `URGENCY_URGENT`.

use std::sync::LazyLock;

use prost::Message;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind,
    MessageDescriptor, SerializeOptions,
};
use serde_json::Value;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(liaison_proto::FILE_DESCRIPTOR_SET)
        .expect("the descriptor set was compiled together with this program")
});

fn descriptor(name: &str) -> MessageDescriptor {
    POOL.get_message_by_name(name)
        .expect("message names in this program are those of the schema")
}

/// `message`, which is a `name` (for example `liaison.intake.v1.Referral`), as JSON. Fields that are
/// not set are left out.
///
/// # Panics
/// Where `name` is not the message's own name.
#[must_use]
pub fn to_json(name: &str, message: &impl Message) -> Value {
    let dynamic = DynamicMessage::decode(descriptor(name), message.encode_to_vec().as_slice())
        .expect("a message is read back by its own descriptor");
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(false);
    dynamic
        .serialize_with_options(serde_json::value::Serializer, &options)
        .expect("a message of the API has a JSON form")
}

/// Reads a message `name` from JSON.
///
/// # Errors
/// A text that names the field and what is wrong with it.
pub fn from_json<M: Message + Default>(name: &str, mut value: Value) -> Result<M, String> {
    let descriptor = descriptor(name);
    lengthen_enums(&descriptor, &mut value, "")?;
    let dynamic = DynamicMessage::deserialize_with_options(
        descriptor,
        value,
        &DeserializeOptions::new().deny_unknown_fields(true),
    )
    .map_err(|error| error.to_string())?;
    M::decode(dynamic.encode_to_vec().as_slice()).map_err(|error| error.to_string())
}

/// Writes enum values out in full, everywhere in `value`; an unknown one is an error that lists the
/// known ones.
fn lengthen_enums(message: &MessageDescriptor, value: &mut Value, at: &str) -> Result<(), String> {
    let Value::Object(fields) = value else {
        return Ok(());
    };
    for (key, value) in fields {
        let Some(field) = message
            .get_field_by_name(key)
            .or_else(|| message.get_field_by_json_name(key))
        else {
            continue;
        };
        let path = if at.is_empty() {
            key.clone()
        } else {
            format!("{at}.{key}")
        };
        match value {
            Value::Array(items) if field.is_list() => {
                for (index, item) in items.iter_mut().enumerate() {
                    lengthen(&field, item, &format!("{path}[{index}]"))?;
                }
            }
            value => lengthen(&field, value, &path)?,
        }
    }
    Ok(())
}

fn lengthen(field: &FieldDescriptor, value: &mut Value, path: &str) -> Result<(), String> {
    match field.kind() {
        Kind::Message(message) => lengthen_enums(&message, value, path),
        Kind::Enum(kind) => {
            let Value::String(text) = value else {
                return Ok(());
            };
            let full = full_name(&kind, text).ok_or_else(|| {
                format!(
                    "{path}: not a known value; use one of {}",
                    short_names(&kind).join(", ")
                )
            })?;
            *text = full;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The prefix every value of an enum has, read off its zero value.
fn prefix(kind: &EnumDescriptor) -> String {
    kind.default_value()
        .name()
        .trim_end_matches("UNSPECIFIED")
        .to_owned()
}

fn full_name(kind: &EnumDescriptor, text: &str) -> Option<String> {
    let long = format!("{}{text}", prefix(kind));
    [text, &long]
        .into_iter()
        .find(|name| kind.get_value_by_name(name).is_some())
        .map(str::to_owned)
}

fn short_names(kind: &EnumDescriptor) -> Vec<String> {
    let prefix = prefix(kind);
    kind.values()
        .filter(|value| value.number() != 0)
        .map(|value| value.name().trim_start_matches(&prefix).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use liaison_proto::intake::Dossier;
    use serde_json::json;

    const DOSSIER: &str = "liaison.intake.v1.Dossier";

    #[test]
    fn short_and_long_enum_names_are_read_alike() {
        let read = |kind: &str| -> Dossier {
            from_json(
                DOSSIER,
                json!({ "kind": kind, "urgency": { "urgency": "URGENT" } }),
            )
            .unwrap()
        };
        assert_eq!(read("ALERT"), read("REFERRAL_KIND_ALERT"));
        let back = to_json(DOSSIER, &read("ALERT"));
        assert_eq!(back["urgency"]["urgency"], "URGENCY_URGENT");
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let error = from_json::<Dossier>(
            DOSSIER,
            json!({ "persons": [{ "status": "SUSPECT" }, { "status": "SUSPICIOUS" }] }),
        )
        .unwrap_err();
        assert!(error.starts_with("persons[1].status: not a known value; use one of WANTED"));
        let error = from_json::<Dossier>(DOSSIER, json!({ "narative": "x" })).unwrap_err();
        assert!(error.contains("narative"), "{error}");
    }
}
