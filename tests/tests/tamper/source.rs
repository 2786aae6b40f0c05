//! Steps changed in the database itself, by somebody who owns the table: the next bundle says where.

use e2e::{Suite, dossier};
use liaison_custody::{Step, digest};
use liaison_grpc::wire;
use liaison_types::ReferralId;

use crate::custody::Downloaded;
use crate::{Draw, worked};

/// A referral's steps in the database of intake.
struct Source<'a> {
    suite: &'a Suite,
    referral: String,
    id: String,
    steps: i64,
}

impl<'a> Source<'a> {
    async fn of(suite: &'a Suite, referral: &str) -> Self {
        let databases = suite.databases();
        let uuid: ReferralId = wire::id(referral).unwrap();
        let id = databases.uuid("intake", uuid.uuid()).await;
        let steps = databases
            .count("intake", &format!("custody WHERE referral_id = {id}"))
            .await;
        databases
            .tamper(
                "intake",
                "custody",
                "CREATE TABLE kept AS SELECT * FROM custody",
            )
            .await;
        Self {
            suite,
            referral: referral.to_owned(),
            id,
            steps,
        }
    }

    /// Runs `sql` as the owner of the table, and answers what the next bundle is said to be.
    async fn after(&self, sql: &str) -> Vec<String> {
        let databases = self.suite.databases();
        databases.tamper("intake", "custody", sql).await;
        let downloaded = Downloaded::of(self.suite, &self.referral);
        let said = downloaded.verdict(&downloaded.bytes, &downloaded.keys);
        let problems = said.problems();
        assert_eq!(said.code, Some(i32::from(!problems.is_empty())), "{said:?}");
        problems
    }

    /// As it was. What is said then has to be nothing.
    async fn restored(&self) {
        let sql = "DELETE FROM custody; INSERT INTO custody SELECT * FROM kept";
        assert_eq!(self.after(sql).await, [""; 0], "as it was it is sound");
    }

    /// The condition that finds the step.
    fn at(&self, position: i64) -> String {
        format!("referral_id = {} AND position = {position}", self.id)
    }
}

e2e::both_backends! {
    async fn a_step_changed_in_the_database_is_named_by_the_next_bundle(backend: Backend) {
        let suite = Suite::up(backend).await;
        let source = Source::of(&suite, &worked(&suite).await).await;
        let databases = suite.databases();
        let mut draw = Draw::new();
        let digest = databases.blob("intake", &[7; 32]).await;
        let signature = databases.blob("intake", &[7; 64]).await;
        for column in [
            "officer = 'nobody'".to_owned(),
            "party = 'unit/terrorism'".to_owned(),
            "step = 'DECLINED'".to_owned(),
            "state = 'REFUSED'".to_owned(),
            "unit = 'terrorism'".to_owned(),
            "detail = 'OTHER'".to_owned(),
            "at = at - 1".to_owned(),
            format!("content = {digest}"),
            format!("digest = {digest}"),
            format!("signature = {signature}, key_id = '0123456789abcdef'"),
        ] {
            let position = 1 + i64::try_from(draw.below(usize::try_from(source.steps).unwrap())).unwrap();
            let sql = format!("UPDATE custody SET {column} WHERE {}", source.at(position));
            let problems = source.after(&sql).await;
            // Where no signature speaks for the one before, one of the two: the place is between them.
            let places = [format!("at position {position} "), format!("before position {position}:")];
            let named = |told: &&String| places.iter().any(|place| told.contains(place));
            assert!(problems.iter().any(|told| named(&told)), "{sql}: {problems:?}");
            // What stands elsewhere is not accused, but for the neighbour whose link is broken.
            let next = format!("before position {}:", position + 1);
            let others = problems.iter().filter(|told| !named(told) && !told.contains(&next));
            let others: Vec<_> = others.filter(|told| !told.starts_with("The closing statement")).collect();
            assert!(others.is_empty(), "{sql}: {others:?}");
            source.restored().await;
        }
    }

    async fn steps_removed_moved_and_made_up_are_named_too(backend: Backend) {
        let suite = Suite::up(backend).await;
        let source = Source::of(&suite, &worked(&suite).await).await;
        let mut draw = Draw::new();
        let middle = 2 + i64::try_from(draw.below(usize::try_from(source.steps).unwrap() - 3)).unwrap();

        let sql = format!("DELETE FROM custody WHERE {}", source.at(middle));
        assert_eq!(source.after(&sql).await, [format!("The receipt at position {middle} is missing.")]);
        source.restored().await;

        let (at, next) = (source.at(middle), source.at(middle + 1));
        let sql = format!(
            "UPDATE custody SET position = 999 WHERE {at}; UPDATE custody SET position = {middle} WHERE {next}; \
             UPDATE custody SET position = {} WHERE {}", middle + 1, source.at(999)
        );
        let problems = source.after(&sql).await;
        let next = format!("position {} was altered", middle + 1);
        assert!(problems.iter().any(|told| told.contains(&next)), "{problems:?}");
        source.restored().await;

        // One more at the end, which continues the chain as it should. Only the key is missing.
        let made_up = source.steps + 1;
        let sql = format!(
            "INSERT INTO custody SELECT * FROM kept WHERE {}; UPDATE custody SET position = {made_up} WHERE {}",
            source.at(source.steps), source.at(source.steps)
        );
        let sql = format!("DELETE FROM custody WHERE {}; {sql}; INSERT INTO custody SELECT * FROM kept WHERE {}",
            source.at(source.steps), source.at(source.steps));
        let problems = source.after(&sql).await;
        assert!(problems.iter().any(|told| told.contains(&format!("at position {made_up} "))), "{problems:?}");
        source.restored().await;
    }

    async fn a_chain_made_anew_to_its_end_is_not_signed(backend: Backend) {
        let suite = Suite::up(backend).await;
        let source = Source::of(&suite, &worked(&suite).await).await;
        let databases = suite.databases();
        let steps = e2e::history::read(&suite.client("bureau/NB-FR"), &source.referral).await;
        let id: ReferralId = wire::id(&source.referral).unwrap();
        let mut before = None;
        let (mut sql, mut signed) = (Vec::new(), Vec::new());
        for step in &steps {
            let actor = step.actor.as_ref().unwrap();
            // Somebody else opened it.
            let officer = if step.position == 2 { "nobody" } else { &actor.officer };
            let made = digest(before.as_ref(), &Step {
                referral: id,
                position: step.position,
                at: wire::instant(step.at.as_ref().unwrap()).unwrap(),
                step: wire::name(step.step()),
                state: wire::name(step.state()),
                party: &actor.party,
                officer,
                unit: &step.unit,
                detail: &step.detail,
                content: step.content.as_slice().try_into().ok(),
            });
            before = Some(made);
            let made = databases.blob("intake", &made).await;
            let set = if step.position == 2 { ", officer = 'nobody'" } else { "" };
            sql.push(format!("UPDATE custody SET digest = {made}{set} WHERE {}", source.at(step.position)));
            signed.push(step.position);
        }
        let problems = source.after(&sql.join("; ")).await;
        assert!(!problems.is_empty());
        for problem in &problems {
            assert!(problem.starts_with("The signature at position "), "{problem}");
        }
        // Without the signatures that do not fit any more, the end is not signed at all.
        sql.push(format!("UPDATE custody SET signature = NULL, key_id = NULL WHERE referral_id = {}", source.id));
        let problems = source.after(&sql.join("; ")).await;
        let unsigned = format!("The last receipt, at position {}, carries no signature.", source.steps);
        assert_eq!(problems, [unsigned]);
        source.restored().await;
    }

    async fn nobody_else_suffers(backend: Backend) {
        let suite = Suite::up(backend).await;
        let bureau = suite.client("bureau/NB-FR");
        let referral = worked(&suite).await;
        let other = bureau.submit(dossier::plain()).await.unwrap().name;
        let source = Source::of(&suite, &referral).await;
        source.after(&format!("UPDATE custody SET detail = 'OTHER' WHERE {}", source.at(1))).await;
        let downloaded = Downloaded::of(&suite, &other);
        downloaded.verdict(&downloaded.bytes, &downloaded.keys).done();
    }
}
