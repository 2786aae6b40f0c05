//! What ends soon is said in the log: once for each threshold, and anew for what was renewed.

use e2e::{Backend, Layout, PATIENCE, Suite, eventually};

use crate::{certs, reloaded};

/// How often the log of the first service, intake, holds `text`.
fn said(suite: &mut Suite, text: &str) -> usize {
    suite.processes()[0].whole_log().matches(text).count()
}

#[test]
fn an_end_that_comes_near_is_logged_once_for_each_threshold_and_certificate() {
    e2e::run(async {
        // Certificates are issued for ninety days, the authority for ten years.
        let warn = [("IDENTITY__WARN_BEFORE", "200d, 100d, 10d")];
        let mut suite = Suite::start(Backend::Sqlite, Layout::Apart, &warn).await;
        let told = "service/intake is good for 90 days more";
        eventually(PATIENCE, || std::future::ready(said(&mut suite, told) == 1)).await;
        let advice = "liaison certs renew";
        assert_eq!(said(&mut suite, advice), 1, "with what to do about it");
        assert_eq!(
            said(&mut suite, "begin to replace it"),
            0,
            "the authority has years"
        );

        // Nothing new is nothing to say; a certificate that ends sooner is.
        reloaded(&mut suite).await;
        assert_eq!(said(&mut suite, "service/intake is good for"), 1);
        certs(
            &suite.certificates(),
            &["renew", "service/intake", "--days", "5"],
        );
        reloaded(&mut suite).await;
        let told = "service/intake is good for 5 days more";
        eventually(PATIENCE, || std::future::ready(said(&mut suite, told) == 1)).await;
        assert_eq!(said(&mut suite, "service/intake is good for"), 2);
    });
}
