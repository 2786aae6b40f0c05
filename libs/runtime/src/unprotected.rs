//! Builds without protection.
//!
//! What sealing and custody cost is measured against a build that does neither: one with the cargo feature
//! `unprotected`, made by the load tool alone. Such a build must not be taken for another one. It says what it is
//! in `--version` and in its log, serves only where the environment says that it may, and no database in which
//! something was ever sealed.

use std::ffi::OsStr;

use liaison_store::Db;
use liaison_store::sealed::{self, PROTECTED};
use liaison_types::{Error, ErrorKind, Reason, Result};

/// The variable that lets a build without protection serve, where it says [`ADMISSION`].
pub const VARIABLE: &str = "LIAISON_UNPROTECTED";

/// What [`VARIABLE`] has to say.
pub const ADMISSION: &str = "all of it may be read and forged";

/// What `--version` says of a build without protection.
pub const MARK: &str = "UNPROTECTED";

/// `version` as `--version` shows it.
#[must_use]
pub fn version(version: &str) -> String {
    marked(version, PROTECTED)
}

fn marked(version: &str, protected: bool) -> String {
    if protected {
        version.to_owned()
    } else {
        format!("{version} {MARK}: for measurements alone")
    }
}

/// Whether this build may serve.
pub(crate) fn permitted() -> Result<()> {
    let said = std::env::var_os(VARIABLE);
    permit(PROTECTED, said.as_deref())?;
    if !PROTECTED {
        tracing::error!(
            "this build seals nothing and proves nothing: it is for measurements alone"
        );
    }
    Ok(())
}

fn permit(protected: bool, said: Option<&OsStr>) -> Result<()> {
    if protected || said == Some(OsStr::new(ADMISSION)) {
        return Ok(());
    }
    Err(refused(&format!(
        "this build seals nothing and proves nothing: it was made with the cargo feature `unprotected`, for \
         measurements alone; build it without, or set {VARIABLE} to \"{ADMISSION}\""
    )))
}

/// A build without protection does not write beside what is sealed.
pub(crate) async fn not_among_sealed(db: &Db) -> Result<()> {
    if PROTECTED || !sealed::is_there(db).await? {
        return Ok(());
    }
    match sealed::versions(db.reader()).await? {
        versions if versions.is_empty() => Ok(()),
        _ => Err(refused(
            "this build seals nothing, and there are sealed contents in the database",
        )),
    }
}

fn refused(message: &str) -> Error {
    Error::new(ErrorKind::FailedPrecondition, Reason::SettingInvalid).message(message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_protects_needs_nobodys_leave_and_says_nothing_of_it() {
        const { assert!(PROTECTED, "these tests are of builds that protect") };
        permitted().unwrap();
        for said in [None, Some("anything"), Some(ADMISSION)] {
            permit(true, said.map(OsStr::new)).unwrap();
        }
        assert_eq!(version("1.2.3"), "1.2.3");
    }

    #[test]
    fn what_does_not_protect_says_so_and_serves_only_where_it_is_told_to() {
        for said in [None, Some(""), Some("yes"), Some("true"), Some("1")] {
            let error = permit(false, said.map(OsStr::new)).unwrap_err();
            assert_eq!(error.reason(), Reason::SettingInvalid);
            assert!(error.to_string().contains(VARIABLE), "{error}");
        }
        permit(false, Some(OsStr::new(ADMISSION))).unwrap();
        assert_eq!(
            marked("1.2.3", false),
            "1.2.3 UNPROTECTED: for measurements alone"
        );
    }
}
