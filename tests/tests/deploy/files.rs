//! The container build.

use super::code;
use super::tools::{root, run, text};

#[test]
fn the_dockerfile_is_clean() {
    run("hadolint", &["docker/Dockerfile"]);
    let dockerfile = text("docker/Dockerfile");
    assert!(
        !dockerfile.contains("# syntax"),
        "a syntax line is fetched before anything is built"
    );
    assert!(dockerfile.contains("\nUSER 65532:65532\n"));
    assert!(dockerfile.contains("\nENTRYPOINT [\"/usr/local/bin/entrypoint\"]\n"));
}

#[test]
fn the_image_is_built_with_the_toolchain_of_the_workspace() {
    let toolchain: toml::Table = toml::from_str(&text("rust-toolchain.toml")).unwrap();
    let version = toolchain["toolchain"]["channel"].as_str().unwrap();
    assert!(text("docker/Dockerfile").contains(&format!("\nARG RUST_VERSION={version}\n")));
}

#[test]
fn every_program_that_is_deployed_is_built() {
    let metadata = cargo_metadata::MetadataCommand::new()
        .no_deps()
        .exec()
        .unwrap();
    let programs: Vec<_> = metadata
        .packages
        .iter()
        .flat_map(|package| &package.targets)
        .filter(|target| target.is_bin())
        .map(|target| target.name.clone())
        .collect();
    for code in code::services() {
        let name = code.program().rsplit('/').next().unwrap().to_owned();
        assert!(
            programs.contains(&name),
            "{name} is no binary of the workspace: {programs:?}"
        );
    }
    assert!(programs.contains(&"liaison".to_owned()));
}

#[test]
fn the_build_context_holds_the_whole_workspace() {
    let context = tempfile::tempdir().unwrap();
    let ignored = text(".dockerignore");
    for kept in ignored.lines().filter_map(|line| line.strip_prefix('!')) {
        let copy = context.path().join(kept);
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        let source = root().join(kept);
        run(
            "cp",
            &["-r", source.to_str().unwrap(), copy.to_str().unwrap()],
        );
    }
    for program in ["LICENSE", "README.md", "rust-toolchain.toml", "target"] {
        assert!(
            !context.path().join(program).exists(),
            "{program} would change layers for nothing"
        );
    }
    // Refuses a workspace with a member or a named target that is not there.
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(context.path().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap();
    assert!(
        metadata
            .packages
            .iter()
            .any(|package| package.name.as_str() == "liaison")
    );
    assert!(
        context.path().join("Cargo.lock").exists(),
        "the build is locked"
    );
}
