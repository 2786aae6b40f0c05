//! Pieces of evidence with markings of their own.

use std::collections::BTreeMap;

use liaison_proto::event::AssignmentStep;
use liaison_proto::{common, intake};
use liaison_testkit::both_backends;
use prost::Message as _;

use crate::samples::{dossier, submission};
use crate::shares::{LEAD, OWNER, wish};
use crate::world::World;

const LEAD_ONLY: &str = "markings.tlp-red.lead-only";

fn tlp(tlp: common::Tlp) -> common::Markings {
    common::Markings {
        tlp: tlp.into(),
        ..common::Markings::default()
    }
}

fn handling(code: common::HandlingCode) -> common::Markings {
    common::Markings {
        handling: vec![code.into()],
        ..common::Markings::default()
    }
}

fn excluding(unit: &str) -> common::Markings {
    common::Markings {
        excluded_units: vec![unit.into()],
        ..common::Markings::default()
    }
}

/// A dossier of one piece without markings, called `plain`, and those given, by label.
fn with(referral: common::Tlp, pieces: &[(&str, common::Markings)]) -> intake::Dossier {
    let mut dossier = dossier();
    dossier.markings = Some(tlp(referral));
    "plain".clone_into(&mut dossier.evidence[0].label);
    for (label, markings) in pieces {
        dossier.evidence.push(intake::EvidenceEntry {
            label: (*label).to_owned(),
            locator: format!("locker of {label}"),
            sha256: vec![0xee; 32],
            markings: Some(markings.clone()),
            ..dossier.evidence[0].clone()
        });
    }
    dossier
}

fn labels(opened: &intake::GetDossierResponse) -> Vec<&str> {
    let dossier = opened.dossier.as_ref().unwrap();
    dossier.evidence.iter().map(|piece| &*piece.label).collect()
}

fn rules(opened: &intake::GetDossierResponse) -> Vec<Vec<&str>> {
    let items = opened.withheld.iter();
    items
        .map(|item| item.rules.iter().map(String::as_str).collect())
        .collect()
}

impl World {
    /// What the audit has of the last opening: decisions and their rules, by action.
    async fn of_last_opening(&self, name: &str) -> BTreeMap<String, Vec<(String, Vec<String>)>> {
        let kept: Vec<_> = self
            .audit(name)
            .await
            .into_iter()
            .map(|kept| kept.entry)
            .collect();
        let at = kept.last().unwrap().at;
        let mut found = BTreeMap::<_, Vec<_>>::new();
        for entry in kept.into_iter().filter(|entry| entry.at == at) {
            found
                .entry(entry.action)
                .or_default()
                .push((entry.decision, entry.rules));
        }
        found
    }

    /// Submits it for NB-FR, with cyber as its lead and narcotics-organized-crime as its support.
    async fn worked_on(&self, dossier: intake::Dossier) -> String {
        let request = submission(dossier, 1);
        let referral = self.submit("bureau/NB-FR a.first", request).await.unwrap();
        for (unit, role) in [
            ("cyber", common::AssignmentRole::Lead),
            (
                "narcotics-organized-crime",
                common::AssignmentRole::Supporting,
            ),
        ] {
            let steps = [AssignmentStep::Created];
            for fact in self.assignment(&referral.name, unit, role, &steps) {
                self.take(fact).await;
            }
        }
        referral.name
    }
}

both_backends! {
    async fn a_piece_is_seen_by_whom_its_own_markings_let_see_it(database: TestDatabase) {
        let world = World::new(database).await;
        let pieces = [("red", tlp(common::Tlp::Red)), ("not for cyber", excluding("cyber"))];
        let sent = with(common::Tlp::Amber, &pieces);
        let name = world.worked_on(sent.clone()).await;
        for (viewer, seen, withheld) in [
            (OWNER, &["plain", "red", "not for cyber"][..], vec![]),
            ("desk/triage t.one", &["plain", "red", "not for cyber"], vec![]),
            ("unit/cyber u.one", &["plain", "red"], vec![vec!["markings.exclusion.unit"]]),
            (
                "unit/narcotics-organized-crime u.two",
                &["plain", "not for cyber"],
                vec![vec![LEAD_ONLY]],
            ),
        ] {
            let opened = world.open(viewer, &name).await.unwrap();
            assert_eq!(labels(&opened), seen, "{viewer}");
            assert_eq!(rules(&opened), withheld, "{viewer}");
        }
        // All but the pieces themselves is as it was sent, their own markings included.
        let whole = world.dossier(OWNER, &name).await.unwrap();
        assert_eq!(whole, sent);
        let part = world.open("unit/cyber u.one", &name).await.unwrap().dossier.unwrap();
        assert_eq!(intake::Dossier { evidence: sent.evidence.clone(), ..part }, sent);
    }

    async fn what_is_withheld_is_told_of_and_says_nothing(database: TestDatabase) {
        let world = World::new(database).await;
        let secret = intake::EvidenceEntry {
            label: "Statement of Zeta".into(),
            media_type: "text/x-zeta".into(),
            sha256: vec![0xee; 32],
            collected_by: "Lt. Zeta".into(),
            locator: "locker Zeta".into(),
            markings: Some(common::Markings {
                handling: vec![common::HandlingCode::H3.into()],
                handling_text: "Zeta is to be asked.".into(),
                ..tlp(common::Tlp::Red)
            }),
            ..intake::EvidenceEntry::default()
        };
        let mut sent = with(common::Tlp::Amber, &[]);
        sent.evidence.extend([secret.clone(), secret]);
        let name = world.worked_on(sent).await;
        let opened = world.open("unit/narcotics-organized-crime u.two", &name).await.unwrap();
        assert_eq!(rules(&opened), [[LEAD_ONLY], [LEAD_ONLY]]);
        let bytes = opened.encode_to_vec();
        let finds = |needle: &[u8]| bytes.windows(needle.len()).any(|part| part == needle);
        assert!(!finds(b"Zeta") && !finds(b"zeta") && !finds(&[0xee; 32]));
        // What opened it is what the history tells; each decision that kept a piece back stands beside it.
        let audited = world.of_last_opening(&name).await;
        assert_eq!(audited["intake.get_dossier"], [("PERMIT".to_owned(), vec!["view.grant".to_owned()])]);
        let refused = ("REFUSE".to_owned(), vec![LEAD_ONLY.to_owned()]);
        assert_eq!(audited["intake.withhold_evidence"], [refused.clone(), refused]);
        let decided = world.decided().await;
        assert!(decided.contains(&"intake.withhold_evidence view-item REFUSE".to_owned()), "{decided:?}");
        let step = world.history("bureau/NB-FR", &name).await.unwrap().pop().unwrap();
        assert_eq!((&*step.unit, &*step.detail), ("narcotics-organized-crime", "view.grant"));
    }

    async fn what_a_piece_does_not_say_is_as_its_referral_says(database: TestDatabase) {
        let world = World::new(database).await;
        // GREEN goes to partners and AMBER does not: a piece that says nothing of it stays GREEN, and
        // one that says less than its referral gains nothing by it.
        let pieces = [
            ("not for cyber", excluding("cyber")),
            ("clear", tlp(common::Tlp::Clear)),
            ("amber", tlp(common::Tlp::Amber)),
        ];
        let name = world.worked_on(with(common::Tlp::Green, &pieces)).await;
        world.share(LEAD, wish(&name, "partner/customs", 1)).await.unwrap();
        let opened = world.open("partner/customs p.one", &name).await.unwrap();
        assert_eq!(labels(&opened), ["plain", "not for cyber", "clear"]);
        assert_eq!(rules(&opened), [["markings.tlp-amber.need-to-know"]]);
    }

    async fn a_share_passes_on_what_could_be_shared_by_itself(database: TestDatabase) {
        let world = World::new(database).await;
        let pieces = [
            ("red", tlp(common::Tlp::Red)),
            ("amber", tlp(common::Tlp::Amber)),
            ("H2", handling(common::HandlingCode::H2)),
            ("H3", common::Markings {
                handling_text: "Ask first.".into(),
                ..handling(common::HandlingCode::H3)
            }),
            ("not for terrorism", excluding("terrorism")),
            ("not for DE", common::Markings {
                excluded_countries: vec!["DE".into()],
                ..common::Markings::default()
            }),
        ];
        let name = world.worked_on(with(common::Tlp::Green, &pieces)).await;
        for (number, recipient) in [(1, "unit/terrorism"), (2, "bureau/NB-DE")] {
            let share = world.share(LEAD, wish(&name, recipient, number)).await.unwrap();
            assert_eq!(share.state(), intake::ShareState::Active);
        }
        let (h2, h3) = ("markings.h2.passing-on", "markings.h3.passing-on");
        let unit = world.open("unit/terrorism u.one", &name).await.unwrap();
        assert_eq!(labels(&unit), ["plain", "amber", "not for DE"]);
        assert_eq!(rules(&unit), [[LEAD_ONLY], [h2], [h3], ["markings.exclusion.unit"]]);
        let bureau = world.open("bureau/NB-DE d.one", &name).await.unwrap();
        assert_eq!(labels(&bureau), ["plain", "not for terrorism"]);
        assert_eq!(
            rules(&bureau),
            [[LEAD_ONLY], ["markings.tlp-amber.need-to-know"], [h2], [h3], ["markings.exclusion.country"]]
        );
        let audited = world.of_last_opening(&name).await;
        assert_eq!(audited["intake.get_dossier"][0].1, ["view.shared"]);
        let kept_back = &audited["intake.withhold_evidence"];
        assert!(kept_back.iter().any(|(_, rules)| rules.contains(&"markings.tlp-amber.need-to-know".to_owned())));
        // By one decision on seeing each of the five, by another on passing it on, or by both.
        assert!((5..=10).contains(&kept_back.len()), "{kept_back:?}");
        // The lead has all of it, and so has the owner.
        assert_eq!(rules(&world.open(LEAD, &name).await.unwrap()), Vec::<Vec<&str>>::new());
        world.dossier(OWNER, &name).await.unwrap();
    }

    async fn the_owners_agreement_covers_the_pieces(database: TestDatabase) {
        let world = World::new(database).await;
        let court = |name: &str, number| intake::ShareReferralRequest {
            r#use: intake::IntendedUse::Judicial.into(),
            ..wish(name, "unit/terrorism", number)
        };
        let pieces = [
            ("H1", handling(common::HandlingCode::H1)),
            ("H2", handling(common::HandlingCode::H2)),
            ("red", tlp(common::Tlp::Red)),
        ];
        let name = world.worked_on(with(common::Tlp::Green, &pieces)).await;
        // The lead needed nobody's consent for the referral, so that nobody consented to these.
        let share = world.share(LEAD, court(&name, 1)).await.unwrap();
        assert_eq!(share.state(), intake::ShareState::Active);
        let viewer = "unit/terrorism u.one";
        let opened = world.open(viewer, &name).await.unwrap();
        assert_eq!(labels(&opened), ["plain"]);
        assert_eq!(
            rules(&opened),
            [["markings.h1.judicial-use"], ["markings.h2.passing-on"], [LEAD_ONLY]]
        );
        // The owner who passes it on itself agrees to what needs its consent, and to nothing more.
        world.end(LEAD, &share.name).await.unwrap();
        world.share(OWNER, court(&name, 2)).await.unwrap();
        let opened = world.open(viewer, &name).await.unwrap();
        assert_eq!((labels(&opened), rules(&opened)), (vec!["plain", "H1", "H2"], vec![vec![LEAD_ONLY]]));
    }

    async fn a_consent_covers_the_pieces_of_what_it_was_asked_for(database: TestDatabase) {
        let world = World::new(database).await;
        let mut sent = with(common::Tlp::Green, &[("H3", common::Markings {
            handling_text: "Ask first.".into(),
            ..handling(common::HandlingCode::H3)
        })]);
        sent.markings = Some(common::Markings {
            handling: vec![common::HandlingCode::H2.into()],
            ..tlp(common::Tlp::Green)
        });
        let name = world.worked_on(sent).await;
        let share = world.share(LEAD, wish(&name, "unit/terrorism", 1)).await.unwrap();
        assert_eq!(share.state(), intake::ShareState::AwaitingConsent);
        world.consent(OWNER, &share.name, intake::ConsentVerdict::Give).await.unwrap();
        let whole = world.dossier("unit/terrorism u.one", &name).await.unwrap();
        assert_eq!(whole.evidence.len(), 2);
    }

    async fn what_classification_reads_has_no_evidence(database: TestDatabase) {
        let world = World::new(database).await;
        let name = world.worked_on(with(common::Tlp::Amber, &[("red", tlp(common::Tlp::Red))])).await;
        let inputs = world.inputs("service/classification", vec![name]).await.unwrap();
        let bytes = inputs[0].encode_to_vec();
        assert!(!bytes.windows(6).any(|part| part == b"locker"));
    }
}
