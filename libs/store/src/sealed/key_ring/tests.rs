use super::*;
use liaison_types::{ErrorKind, Reason, SeededRandom};
use tempfile::TempDir;

const SUBJECT: Uuid = Uuid::from_u128(5);

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn put(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) {
    fs::write(folder.path().join(name), content).unwrap();
}

fn wrapped(ring: &KeyRing, seed: u64) -> (DataKey, Model) {
    let random = SeededRandom::new(seed);
    let key = DataKey::generate(&random);
    let row = ring.wrap(SUBJECT, &key, &random).0;
    (key, row)
}

#[test]
fn the_highest_version_seals_and_all_open() {
    let folder = folder();
    let random = SeededRandom::new(1);
    assert_eq!(KeyRing::generate(folder.path(), &random).unwrap(), 1);
    let ring = KeyRing::read(folder.path()).unwrap();
    let (first, first_row) = wrapped(&ring, 2);
    assert_eq!(first_row.kek_version, 1);

    // 10 is higher than 9, which its text is not.
    put(&folder, "9.key", "ab".repeat(32));
    assert!(ring.reload().unwrap());
    assert_eq!(KeyRing::generate(folder.path(), &random).unwrap(), 10);
    assert!(ring.reload().unwrap());
    assert!(!ring.reload().unwrap());
    assert_eq!((ring.active(), ring.versions()), (10, vec![1, 9, 10]));
    let (second, second_row) = wrapped(&ring, 3);
    assert_eq!(second_row.kek_version, 10);
    assert_eq!(ring.unwrap(&first_row).unwrap().bytes(), first.bytes());
    assert_eq!(ring.unwrap(&second_row).unwrap().bytes(), second.bytes());
}

#[cfg(unix)]
#[test]
fn what_is_generated_is_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let keys = folder.path().join("a/keys");
    KeyRing::generate(&keys, &SeededRandom::new(1)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&keys), 0o700);
    assert_eq!(mode(&keys.join("1.key")), 0o600);
    let text = fs::read_to_string(keys.join("1.key")).unwrap();
    assert_eq!(text.len(), 65);
    assert_eq!(
        fs::read_dir(&keys).unwrap().count(),
        1,
        "nothing else is left"
    );
}

#[cfg(unix)]
#[test]
fn a_mounted_secret_is_read() {
    // As a Kubernetes node lays it out: links to a folder that is replaced as a whole.
    let folder = folder();
    let data = folder.path().join("..2026_01_01");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("1.key"), "01".repeat(32)).unwrap();
    let link = std::os::unix::fs::symlink::<&str, PathBuf>;
    link("..2026_01_01", folder.path().join("..data")).unwrap();
    link("..data/1.key", folder.path().join("1.key")).unwrap();
    assert_eq!(KeyRing::read(folder.path()).unwrap().versions(), [1]);
}

#[test]
fn whatever_is_no_key_is_refused_by_name() {
    let good = "0A".repeat(32);
    for (name, content) in [
        ("0.key", good.clone()),
        ("01.key", good.clone()),
        ("+1.key", good.clone()),
        ("2147483648.key", good.clone()),
        ("1.key.bak", good.clone()),
        ("README", String::new()),
        ("2.key", String::new()),
        ("2.key", good[..62].to_owned()),
        ("2.key", format!("{good}00")),
        ("2.key", format!("{good}\n\n")),
        ("2.key", format!(" {good}")),
        ("2.key", good.replace('A', "g")),
        ("2.key", format!("{good}{}", " ".repeat(500))),
    ] {
        let folder = folder();
        put(&folder, "1.key", "01".repeat(32));
        put(&folder, name, &content);
        let error = Error::from(KeyRing::read(folder.path()).unwrap_err());
        assert_eq!(error.reason(), Reason::SettingInvalid, "{name}");
        assert!(error.to_string().contains(&format!("/{name} ")), "{error}");
        assert!(!error.chain().contains("0A0A"), "{error}");
    }
    let folder = folder();
    put(&folder, "1.key", format!("{good}\r\n"));
    put(&folder, ".hidden", "anything");
    assert_eq!(KeyRing::read(folder.path()).unwrap().versions(), [1]);
    put(&folder, "2.key", [0xff; 64]);
    assert!(matches!(
        KeyRing::read(folder.path()),
        Err(KeyRingError::Content { .. })
    ));
    put(&folder, "2.key", good);
    let same = KeyRing::read(folder.path());
    assert!(matches!(
        same,
        Err(KeyRingError::Same { older: 1, newer: 2 })
    ));
}

#[test]
fn no_key_is_no_ring() {
    let folder = folder();
    let empty = KeyRing::read(folder.path());
    assert!(matches!(empty, Err(KeyRingError::Empty { .. })));
    let missing = KeyRing::read(folder.path().join("missing"));
    assert!(matches!(missing, Err(KeyRingError::Read { .. })));
    assert!(matches!(
        KeyRing::from_keys([]),
        Err(KeyRingError::Empty { .. })
    ));
    let zero = KeyRing::from_keys([(0, [1; 32])]);
    assert!(matches!(zero, Err(KeyRingError::Version { version: 0 })));
}

#[test]
fn a_reading_that_fails_leaves_the_keys_in_use() {
    let folder = folder();
    put(&folder, "1.key", "01".repeat(32));
    let ring = KeyRing::read(folder.path()).unwrap();
    put(&folder, "2.key", "");
    assert!(ring.reload().is_err());
    put(&folder, "2.key", "02".repeat(32));
    put(&folder, "1.key", "03".repeat(32));
    let replaced = ring.reload();
    assert!(matches!(
        replaced,
        Err(KeyRingError::Replaced { version: 1 })
    ));
    assert_eq!(ring.versions(), [1]);
    // One that is gone is gone.
    fs::remove_file(folder.path().join("1.key")).unwrap();
    assert!(ring.reload().unwrap());
    assert_eq!(ring.versions(), [2]);
}

#[test]
fn an_unknown_version_is_looked_for_once() {
    let (here, there) = (folder(), folder());
    put(&here, "1.key", "01".repeat(32));
    put(&there, "2.key", "02".repeat(32));
    let ring = KeyRing::read(here.path()).unwrap();
    let (key, row) = wrapped(&KeyRing::read(there.path()).unwrap(), 1);
    let error = ring.unwrap(&row).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error.chain().contains("version 2, only of [1]"),
        "{}",
        error.chain()
    );
    put(&here, "2.key", "");
    let error = ring.unwrap(&row).unwrap_err();
    assert!(
        error.chain().contains("2.key does not hold a key"),
        "{}",
        error.chain()
    );
    // It arrives, and nobody has to reload.
    put(&here, "2.key", "02".repeat(32));
    assert_eq!(ring.unwrap(&row).unwrap().bytes(), key.bytes());
}

#[test]
fn a_wrapped_key_belongs_to_its_subject_and_version() {
    let ring = KeyRing::from_keys([(1, [1; 32]), (2, [2; 32])]).unwrap();
    let (_, row) = wrapped(&ring, 1);
    let changes: [fn(&mut Model); 5] = [
        |row| row.subject_id = Uuid::from_u128(6),
        |row| row.kek_version = 1,
        |row| row.kek_version = -1,
        |row| row.wrapped[30] ^= 1,
        |row| row.wrapped.truncate(60),
    ];
    for change in changes {
        let mut changed = row.clone();
        change(&mut changed);
        let error = ring.unwrap(&changed).unwrap_err();
        assert_eq!(error.reason(), Reason::InconsistentData);
        assert!(
            error.chain().contains("table data_key, column"),
            "{}",
            error.chain()
        );
    }
    // Authentic, and no key.
    let mut short = row;
    short.wrapped = cipher::seal(
        &[2; 32],
        &SeededRandom::new(1),
        &associated(SUBJECT, 2),
        b"x",
    );
    assert!(ring.unwrap(&short).unwrap_err().chain().contains("no key"));
}

#[test]
fn what_is_authenticated_is_what_the_documentation_says() {
    let mut expected = b"liaison.data-key.v1\n".to_vec();
    expected.extend([0; 15]);
    expected.extend([5, 0, 0, 0, 2]);
    assert_eq!(associated(SUBJECT, 2), expected);
}

#[test]
fn a_ring_shows_its_versions_and_no_key() {
    let ring = KeyRing::from_keys([(3, [0xab; 32])]).unwrap();
    assert_eq!(format!("{ring:?}"), "KeyRing([3])");
    assert!(!ring.reload().unwrap());
}
