//! The schema says everything about itself, and the code agrees with it.

use std::collections::{BTreeMap, BTreeSet};

use e2e::raw;
use liaison_policy::access;
use liaison_proto::FILE_DESCRIPTOR_SET;
use liaison_types::{PartyKind, Reason};
use prost::Message as _;
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet};

/// Fields of a file, message and so on in descriptor.proto, of which paths to comments are made.
const MESSAGE: i32 = 4;
const ENUM: i32 = 5;
const SERVICE: i32 = 6;
const FIELD: i32 = 2;
const ONEOF: i32 = 8;
const NESTED: i32 = 3;
const NESTED_ENUM: i32 = 4;
const VALUE: i32 = 2;
const METHOD: i32 = 2;

fn schema() -> Vec<FileDescriptorProto> {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    set.file
        .into_iter()
        .filter(|file| file.package().starts_with("liaison."))
        .collect()
}

fn index(at: usize) -> i32 {
    i32::try_from(at).unwrap()
}

/// Path and name of everything in a file that must be explained.
fn explained(file: &FileDescriptorProto) -> Vec<(Vec<i32>, String)> {
    let mut all = Vec::new();
    for (at, message) in file.message_type.iter().enumerate() {
        of_message(vec![MESSAGE, index(at)], message, &mut all);
    }
    for (at, schema) in file.enum_type.iter().enumerate() {
        of_enum(&[ENUM, index(at)], schema, &mut all);
    }
    for (at, service) in file.service.iter().enumerate() {
        let path = vec![SERVICE, index(at)];
        for (at, method) in service.method.iter().enumerate() {
            let path = [path.as_slice(), &[METHOD, index(at)]].concat();
            all.push((path, format!("{}.{}", service.name(), method.name())));
        }
        all.push((path, service.name().to_owned()));
    }
    all
}

fn of_message(path: Vec<i32>, message: &DescriptorProto, all: &mut Vec<(Vec<i32>, String)>) {
    let inside = |kind: i32, at: usize| [path.as_slice(), &[kind, index(at)]].concat();
    for (at, field) in message.field.iter().enumerate() {
        all.push((
            inside(FIELD, at),
            format!("{}.{}", message.name(), field.name()),
        ));
    }
    for (at, oneof) in message.oneof_decl.iter().enumerate() {
        // What the compiler makes of `optional` stands nowhere in the file.
        if oneof.name().starts_with('_') {
            continue;
        }
        all.push((
            inside(ONEOF, at),
            format!("{}.{}", message.name(), oneof.name()),
        ));
    }
    for (at, nested) in message.nested_type.iter().enumerate() {
        of_message(inside(NESTED, at), nested, all);
    }
    for (at, nested) in message.enum_type.iter().enumerate() {
        of_enum(&inside(NESTED_ENUM, at), nested, all);
    }
    all.push((path, message.name().to_owned()));
}

fn of_enum(path: &[i32], schema: &EnumDescriptorProto, all: &mut Vec<(Vec<i32>, String)>) {
    all.push((path.to_vec(), schema.name().to_owned()));
    for (at, value) in schema.value.iter().enumerate() {
        all.push((
            [path, &[VALUE, index(at)]].concat(),
            value.name().to_owned(),
        ));
    }
}

#[test]
fn everything_in_the_schema_is_explained() {
    for file in schema() {
        let comments: BTreeMap<Vec<i32>, String> = file
            .source_code_info
            .iter()
            .flat_map(|info| &info.location)
            .map(|location| {
                (
                    location.path.clone(),
                    location.leading_comments().to_owned(),
                )
            })
            .collect();
        for (path, name) in explained(&file) {
            let comment = comments.get(&path).map_or("", |comment| comment.trim());
            assert!(
                !comment.is_empty(),
                "{}: {name} has no comment",
                file.name()
            );
            // A comment is a sentence.
            assert!(
                comment.ends_with(['.', '…']),
                "{}: {name}: {comment}",
                file.name()
            );
        }
    }
}

#[test]
fn the_access_table_is_that_of_the_schema() {
    let schema: BTreeSet<String> = raw::methods()
        .into_iter()
        .map(|method| method.path)
        .collect();
    let table: BTreeSet<String> = access::TABLE
        .iter()
        .map(|(path, _)| (*path).to_owned())
        .collect();
    assert_eq!(schema, table);
    // Operators run the suite and cannot read content.
    for (path, row) in access::TABLE {
        let reads_content = path.contains("intake");
        let operators = row.iter().any(|one| one.kind() == PartyKind::Operator);
        assert!(!reads_content || !operators, "{path}");
    }
}

#[test]
fn the_reasons_of_refusals_are_those_of_the_schema() {
    let files = schema();
    let published: BTreeSet<&str> = files
        .iter()
        .flat_map(|file| &file.enum_type)
        .find(|schema| schema.name() == "ErrorReason")
        .unwrap()
        .value
        .iter()
        .filter(|value| value.number() != 0)
        .map(|value| value.name().strip_prefix("ERROR_REASON_").unwrap())
        .collect();
    let ours: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(published, ours);
}

#[test]
fn names_keep_their_form() {
    for file in schema() {
        assert!(file.package().ends_with(".v1"), "{}", file.package());
        for schema in &file.enum_type {
            let mut prefix = String::new();
            for (at, letter) in schema.name().char_indices() {
                if letter.is_uppercase() && at > 0 {
                    prefix.push('_');
                }
                prefix.push(letter.to_ascii_uppercase());
            }
            prefix.push('_');
            for value in &schema.value {
                assert!(
                    value.name().starts_with(&prefix),
                    "{} of {prefix}",
                    value.name()
                );
            }
            let zero = &schema.value[0];
            assert_eq!(
                (zero.number(), zero.name()),
                (0, format!("{prefix}UNSPECIFIED").as_str())
            );
        }
        for service in &file.service {
            for method in &service.method {
                let of = |suffix: &str| format!(".{}.{}{suffix}", file.package(), method.name());
                assert_eq!(method.input_type(), of("Request"));
                assert_eq!(method.output_type(), of("Response"));
            }
        }
    }
}
