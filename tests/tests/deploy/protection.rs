//! What is deployed protects what it keeps: no image, no default and no other feature has the build in it that seals
//! nothing and proves nothing, which is there to be measured against.

use cargo_metadata::{Metadata, MetadataCommand};
use e2e::program;
use liaison_runtime::unprotected::{ADMISSION, MARK, VARIABLE};
use liaison_store::sealed::PROTECTED;

use super::code;
use super::tools::{root, text};

/// The feature, in every package that has it.
const FEATURE: &str = "unprotected";

fn metadata() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml"));
    command.no_deps().other_options(["--offline".to_owned()]);
    command.exec().unwrap()
}

#[test]
fn nothing_but_the_feature_itself_leads_to_it() {
    let metadata = metadata();
    let mut having = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        for (feature, enabled) in &package.features {
            if feature == FEATURE {
                having.push(name.to_owned());
                continue;
            }
            let leads = enabled.iter().any(|what| what.contains(FEATURE));
            assert!(!leads, "{name}: the feature {feature} leads to {FEATURE}");
        }
        for dependency in &package.dependencies {
            let asked = dependency.features.iter().any(|what| what == FEATURE);
            assert!(!asked, "{name} asks {} for {FEATURE}", dependency.name);
        }
    }
    having.sort_unstable();
    assert_eq!(
        having,
        ["liaison-intake", "liaison-runtime", "liaison-store"]
    );
}

#[test]
fn the_programs_of_a_usual_build_protect() {
    const { assert!(PROTECTED, "these tests are of a usual build") };
    let services = code::services();
    let programs = services.iter().map(|code| format!("liaison-{}", code.name));
    for name in programs.chain(["liaison".to_owned()]) {
        // Leave to do without protection takes none away.
        let output = program::command(&name)
            .arg("--version")
            .env(VARIABLE, ADMISSION)
            .output();
        let told = String::from_utf8(output.unwrap().stdout).unwrap();
        assert!(told.starts_with(&name) && !told.contains(MARK), "{told}");
    }
}

#[test]
fn no_image_and_no_manifest_asks_for_it() {
    let dockerfile = text("docker/Dockerfile");
    for word in ["--features", "--all-features", VARIABLE] {
        assert!(!dockerfile.contains(word), "docker/Dockerfile has {word}");
    }
    // The last word is the image's own: what it is built from is asked.
    let asked =
        format!("\"/programs/${{SERVICE}}\" --version > /version && ! grep {MARK} /version");
    assert!(dockerfile.contains(&asked), "{asked}");
    for folder in ["docker", "k8s", ".ci", ".cargo"] {
        for file in files(&root().join(folder)) {
            let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
            assert!(
                !text.contains(VARIABLE),
                "{} has {VARIABLE}",
                file.display()
            );
        }
    }
}

/// Every file below `folder`.
fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    assert!(!found.is_empty(), "{} is empty", folder.display());
    found
}
