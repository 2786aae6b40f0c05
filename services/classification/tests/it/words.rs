//! Words of a narrative are in no table.

use liaison_proto::common::Offence;
use liaison_proto::event::TriageCause;
use liaison_proto::intake::ClassificationInput;
use liaison_testkit::both_backends;

use crate::kit::{Folder, World, coded, contents};

const NARRATIVES: [&str; 2] = [
    "Between March and June the hackers used stolen passwords to break into the servers of the \
     hospital in Quimper. Ransomware encrypted patient records; payment in bitcoin was demanded by \
     Ondine Vasselin, who signs her messages as blackheron77.",
    "Le convoi de Tancrède Ombrelle transportait de la cocaïne dissimulée dans des cartons de \
     bananes, déchargés la nuit au port de Zerbrugge pour un réseau criminel.",
];
const TITLE: &str = "Attack against the Saint-Corentin clinic";

both_backends! {
    async fn no_table_holds_words_of_a_narrative(database: TestDatabase) {
        let world = World::new(database).await;
        let other = Folder::new("other", "terrorism");
        world.shadow(other.loaded());
        for narrative in NARRATIVES {
            for iccs in ["", "0903"] {
                let input = ClassificationInput {
                    offences: vec![Offence {
                        iccs: iccs.into(),
                        national_provision: "Article 323-1 Code pénal".into(),
                        ..Offence::default()
                    }],
                    title: TITLE.into(),
                    narrative: narrative.into(),
                    ..coded("")
                };
                let referral = world.admit(input).await;
                world.work().await;
                let decided = world.ops.list_decisions(referral).await.unwrap();
                assert!(decided[0].grounds.len() > 1, "the text says something");
                if world.state(referral).await == "ROUTED" {
                    let event = world.came_back(referral, 1, TriageCause::WrongUnit, &[]);
                    world.deliver("routing", vec![event]).await;
                }
            }
        }
        let mut dump = String::new();
        for table in ["referral_case", "decision", "correction", "triage_item", "audit", "outbox", "inbox", "shadow_difference"] {
            assert!(world.count(table).await > 0, "{table}");
            dump.push_str(&contents(&world, table).await);
        }
        assert!(dump.contains("2026-fr-000123") && dump.contains("text."), "something is there");
        for text in NARRATIVES.into_iter().chain([TITLE]) {
            let text = text.to_lowercase();
            let words: Vec<&str> = text.split_whitespace().collect();
            for pair in words.windows(2) {
                assert!(!dump.contains(&pair.join(" ")), "{pair:?}");
            }
        }
        // Of a provision that is cited the row it led to is kept, not how the sender wrote it.
        assert!(dump.contains("provision.fr-code-penal.323-1"), "the row is named");
        for name in ["quimper", "vasselin", "blackheron", "tancr", "ombrelle", "zerbrugge", "corentin", "article 323", "code pénal"] {
            assert!(!dump.contains(name), "{name}");
        }
    }
}
