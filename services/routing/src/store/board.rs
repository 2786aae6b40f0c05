//! The rows that one transaction works on, and what became of them. Everything is written at the end,
//! one statement a table, however many rows changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use liaison_store::Tx;
use liaison_store::audit::{self, AuditEntry};
use liaison_store::sealed::Vault;
use liaison_store::{Inconsistency, insert_all, update_all};
use liaison_types::{AssignmentId, Error, ReferralId, Result, TaskId, Timestamp, UnitCode};

use super::entity::{assignment, routed_case, task};
use super::texts::{Texts, note_cell, result_cell, title_cell};
use super::{Queue, assignments, cases, tasks};
use crate::domain::fact::What;
use crate::domain::{
    Actor, Assignment, AssignmentState, AssignmentStep, Case, Envelope, Fact, Task, TriageCause,
};

/// The state of a referral whose content was purged, as intake calls it.
const PURGED: &str = "PURGED";

/// Who and what makes a change.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    /// Who acts; absent where the hub does.
    pub(crate) actor: Option<Actor>,
    /// When.
    pub(crate) at: Timestamp,
    /// The trace it belongs to.
    pub(crate) traceparent: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Changed,
    New,
}

struct Slot<T> {
    value: T,
    fate: Fate,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Board {
    cases: BTreeMap<ReferralId, Slot<Case>>,
    assignments: BTreeMap<AssignmentId, Slot<Assignment>>,
    tasks: BTreeMap<TaskId, Slot<Task>>,
    notes: BTreeMap<AssignmentId, String>,
    texts: Texts,
    facts: Vec<Fact>,
    audit: Vec<AuditEntry>,
}

fn keep<K: Ord, T>(slots: &mut BTreeMap<K, Slot<T>>, key: K, value: T) {
    slots.entry(key).or_insert(Slot {
        value,
        fate: Fate::Kept,
    });
}

fn put<K: Ord, T>(slots: &mut BTreeMap<K, Slot<T>>, key: K, value: T) {
    let fate = match slots.get(&key) {
        None
        | Some(Slot {
            fate: Fate::New, ..
        }) => Fate::New,
        Some(_) => Fate::Changed,
    };
    slots.insert(key, Slot { value, fate });
}

fn of_fate<K, T>(slots: &BTreeMap<K, Slot<T>>, fate: Fate) -> impl Iterator<Item = &T> {
    slots
        .values()
        .filter(move |slot| slot.fate == fate)
        .map(|slot| &slot.value)
}

impl Board {
    /// Puts rows on the board as they were read.
    pub(crate) fn read_cases(&mut self, cases: Vec<Case>) {
        for case in cases {
            keep(&mut self.cases, case.envelope.referral, case);
        }
    }

    /// Puts rows on the board as they were read.
    pub(crate) fn read_assignments(&mut self, assignments: Vec<Assignment>) {
        for assignment in assignments {
            keep(&mut self.assignments, assignment.id, assignment);
        }
    }

    /// The case of a referral, where there is one.
    pub(crate) fn find_case(&self, referral: ReferralId) -> Option<&Case> {
        self.cases.get(&referral).map(|slot| &slot.value)
    }

    /// The case of an assignment, which has to be there.
    pub(crate) fn case(&self, referral: ReferralId) -> Result<&Case> {
        self.find_case(referral)
            .ok_or_else(|| Inconsistency::on("routed_case").row(referral).into())
    }

    /// The envelope of an assignment's referral.
    pub(crate) fn envelope(&self, referral: ReferralId) -> Result<Arc<Envelope>> {
        self.case(referral).map(|case| Arc::clone(&case.envelope))
    }

    /// The assignment, where it exists.
    pub(crate) fn assignment(&self, id: AssignmentId) -> Option<&Assignment> {
        self.assignments.get(&id).map(|slot| &slot.value)
    }

    /// Every assignment on the board.
    pub(crate) fn assignments(&self) -> impl Iterator<Item = &Assignment> {
        self.assignments.values().map(|slot| &slot.value)
    }

    /// Every assignment of the referral on the board, the oldest first.
    pub(crate) fn assignments_of(&self, referral: ReferralId) -> Vec<&Assignment> {
        self.assignments()
            .filter(|assignment| assignment.referral == referral)
            .collect()
    }

    /// A new or changed case.
    pub(crate) fn put_case(&mut self, case: Case) {
        put(&mut self.cases, case.envelope.referral, case);
    }

    /// A new assignment, or one that has just taken `step`: others are told.
    pub(crate) fn put_assignment(
        &mut self,
        assignment: Assignment,
        step: AssignmentStep,
        cause: &Cause,
    ) -> Result<()> {
        let envelope = self.envelope(assignment.referral)?;
        self.tell(
            What::assignment(&assignment, &envelope, step, cause.actor.as_ref()),
            cause,
        );
        put(&mut self.assignments, assignment.id, assignment);
        Ok(())
    }

    /// A new task of `assignment`.
    pub(crate) fn add_task(&mut self, task: Task, cause: &Cause) -> Result<()> {
        self.tell_task(&task, cause)?;
        put(&mut self.tasks, task.id, task);
        Ok(())
    }

    /// A task that has just changed.
    pub(crate) fn change_task(&mut self, task: Task, cause: &Cause) -> Result<()> {
        self.tell_task(&task, cause)?;
        self.tasks.insert(
            task.id,
            Slot {
                value: task,
                fate: Fate::Changed,
            },
        );
        Ok(())
    }

    fn tell_task(&mut self, task: &Task, cause: &Cause) -> Result<()> {
        let assignment = self
            .assignment(task.assignment)
            .ok_or_else(|| Inconsistency::on("assignment").row(task.assignment))?;
        let envelope = self.envelope(assignment.referral)?;
        let what = What::task(task, assignment, &envelope);
        self.tell(what, cause);
        Ok(())
    }

    /// The case goes back to the duty desk, once for each decision.
    pub(crate) fn give_back(
        &mut self,
        referral: ReferralId,
        why: TriageCause,
        unit: Option<&UnitCode>,
        cause: &Cause,
    ) -> Result<()> {
        let mut case = self.case(referral)?.clone();
        if case.returned.is_some() {
            return Ok(());
        }
        let declined = crate::domain::plan::declined_units(&self.assignments_of(referral));
        case.returned = Some(why);
        case.updated_at = cause.at;
        self.tell(What::returned(&case, why, unit, declined), cause);
        self.put_case(case);
        Ok(())
    }

    fn tell(&mut self, what: What, cause: &Cause) {
        self.facts.push(Fact {
            what,
            at: cause.at,
            traceparent: cause.traceparent.clone(),
        });
    }

    /// What the unit said with the step that it has just taken. It is sealed when it is written.
    pub(crate) fn note(&mut self, assignment: AssignmentId, said: String) {
        self.notes.insert(assignment, said);
    }

    /// Keys that were read on the way, so that they are not read again to write.
    pub(crate) fn know(&mut self, texts: Texts) {
        self.texts = texts;
    }

    /// An entry of the audit.
    pub(crate) fn audit(&mut self, entry: AuditEntry) {
        self.audit.push(entry);
    }

    /// The queues that got something to pull: each with its desk, and without where there is none.
    pub(crate) fn arrived(&self) -> Vec<Queue> {
        let of = |fate| of_fate(&self.assignments, fate);
        let mut queues: Vec<Queue> = of(Fate::Changed)
            .chain(of(Fate::New))
            .filter(|assignment| assignment.state == AssignmentState::Queued && assignment.granted)
            .map(|assignment| Queue {
                unit: assignment.unit.clone(),
                desk: assignment.desk.clone(),
            })
            .collect();
        queues.sort_unstable();
        queues.dedup();
        queues
    }

    /// What others have to be told so far; taken from the board.
    pub(crate) fn take_facts(&mut self) -> Vec<Fact> {
        std::mem::take(&mut self.facts)
    }

    /// Writes what changed. What is closed is written before what is new, so that a unit may lose one
    /// assignment of a referral and get another in one go.
    pub(crate) async fn write(mut self, tx: &Tx<'_>, vault: &Vault) -> Result<()> {
        self.seal_notes(tx, vault).await?;
        let rows = |fate| {
            of_fate(&self.assignments, fate)
                .map(|assignment| {
                    assignments::row(assignment, &*self.envelope(assignment.referral)?)
                })
                .collect::<Result<Vec<_>>>()
        };
        let (changed, new) = (rows(Fate::Changed)?, rows(Fate::New)?);
        let case_rows = |fate| {
            of_fate(&self.cases, fate)
                .map(cases::row)
                .collect::<Result<Vec<_>>>()
        };
        let (changed_cases, new_cases) = (case_rows(Fate::Changed)?, case_rows(Fate::New)?);
        let task_rows = |fate| {
            of_fate(&self.tasks, fate)
                .map(|task| self.task_row(vault, task, fate == Fate::New))
                .collect::<Result<Vec<_>>>()
        };
        let (changed_tasks, new_tasks) = (task_rows(Fate::Changed)?, task_rows(Fate::New)?);

        update_all::<routed_case::ActiveModel, _>(tx, &cases::CHANGING, changed_cases).await?;
        insert_all::<routed_case::ActiveModel, _>(tx, new_cases).await?;
        update_all::<assignment::ActiveModel, _>(tx, &assignments::CHANGING, changed).await?;
        insert_all::<assignment::ActiveModel, _>(tx, new).await?;
        update_all::<task::ActiveModel, _>(tx, &tasks::CHANGING, changed_tasks).await?;
        insert_all::<task::ActiveModel, _>(tx, new_tasks).await?;
        audit::record(tx, self.audit).await
    }

    /// Provides the keys for everything that was said, and seals the notes.
    async fn seal_notes(&mut self, tx: &Tx<'_>, vault: &Vault) -> Result<()> {
        let mut about = BTreeSet::new();
        for id in self.notes.keys() {
            about.insert(self.referral_of(*id)?);
        }
        for slot in self.tasks.values() {
            let new = slot.fate == Fate::New;
            if new || !slot.value.result.is_empty() {
                about.insert(self.referral_of(slot.value.assignment)?);
            }
        }
        self.texts.provide(tx, vault, &about).await?;
        for (id, said) in std::mem::take(&mut self.notes) {
            let referral = self.referral_of(id)?;
            let sealed = self.texts.seal(vault, referral, note_cell(id), &said);
            if let Some(slot) = self.assignments.get_mut(&id) {
                slot.value.note = sealed;
            }
        }
        Ok(())
    }

    fn referral_of(&self, id: AssignmentId) -> Result<ReferralId> {
        self.assignment(id)
            .map(|assignment| assignment.referral)
            .ok_or_else(|| Inconsistency::on("assignment").row(id).into())
    }

    fn task_row(&self, vault: &Vault, task: &Task, is_new: bool) -> Result<task::Model> {
        let referral = self.referral_of(task.assignment)?;
        let seal = |cell, text: &str| self.texts.seal(vault, referral, cell, text);
        let title = seal(title_cell(task.id), &task.title);
        if title.is_none() && is_new {
            // Nothing would be left to say what is to be done.
            let step = AssignmentStep::TaskCreated.as_str();
            return Err(Error::illegal_state(step, PURGED));
        }
        let result = seal(result_cell(task.id), &task.result);
        Ok(tasks::row(task, title, result))
    }
}
