//! What later revisions changed, and what of it a signature permits (ISO 32000-2 section 12.8.2).
//!
//! The reader of PDF says what each change is and whether it is proven to be that and no more. Here it is decided
//! which kinds may be at all: by what signatures say, and by a policy, which may take away but never add.

use super::{
    Modification,
    cms::Finding,
    inspect::{Scope, Signature},
    words::Key,
};
use crate::pdf::{Change, ChangeKind};

/// Which kinds of changes may follow a signature that permits them.
///
/// It starts as all that is sound and can only become less: there is no way to put in a kind that
/// [`PermittedKinds::sound`] does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermittedKinds(Vec<ChangeKind>);

impl PermittedKinds {
    /// All kinds that can leave what was signed as it was: see `docs/verify.md`, "What may follow a signature".
    pub fn sound() -> Self {
        Self(SOUND.to_vec())
    }

    /// Only those that are named as in reports (`form-fill`, `signature`…); other names count for nothing.
    #[must_use]
    pub fn narrowed_to(mut self, names: &[&str]) -> Self {
        self.0.retain(|kind| names.contains(&kind_name(*kind)));
        self
    }

    /// As reports name them.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|kind| kind_name(*kind).to_owned()).collect()
    }

    /// Whether a kind is among them.
    pub fn contains(&self, kind: ChangeKind) -> bool {
        self.0.contains(&kind)
    }
}

impl Default for PermittedKinds {
    fn default() -> Self {
        Self::sound()
    }
}

/// What came after the signed revision; what is not allowed goes into the findings.
pub(super) fn modifications(
    signature: &Signature,
    kinds: &PermittedKinds,
    findings: &mut Vec<Finding>,
) -> Vec<Modification> {
    let changes = match &signature.changes {
        Ok(changes) => changes.as_slice(),
        Err(reason) => {
            let message = Key::ModificationUnknown
                .message(format!("What was added after the signature cannot be read: {reason}."));
            findings.push(Finding::open("FORMAT_FAILURE", message));
            &[]
        }
    };
    let mut forbidden = Vec::new();
    let mut count = 0_usize;
    let modifications: Vec<Modification> = changes
        .iter()
        .map(|change| {
            let refused = refusal(change, signature.field.level, kinds);
            if let Some(reason) = &refused {
                count += 1;
                if count <= MOST_TOLD {
                    forbidden.push(format!("revision {} {}{reason}", change.revision + 1, change.what));
                }
            }
            Modification {
                revision: change.revision + 1,
                objects: change
                    .objects
                    .iter()
                    .map(|(number, generation)| format!("{number} {generation} R"))
                    .collect(),
                kind: kind_name(change.kind).to_owned(),
                permitted: refused.is_none(),
                description: change.what.to_string(),
            }
        })
        .collect();
    // A last revision that does not reach the end of the file must have been told as a change.
    let unexplained = match &signature.scope {
        Scope::Revision(coverage) => {
            !coverage.whole_document && signature.changes.as_ref().is_ok_and(Vec::is_empty)
        }
        Scope::Broken | Scope::Digest | Scope::Whole => false,
    };
    if unexplained || count > 0 {
        let what = if forbidden.is_empty() {
            "bytes follow the signed ones".to_owned()
        } else {
            let more = count.saturating_sub(forbidden.len());
            let more = if more > 0 { format!("; and {more} more changes") } else { String::new() };
            format!("{}{more}", forbidden.join("; "))
        };
        let message =
            Key::ModificationForbidden.message(format!("The file was changed after signing: {what}."));
        findings.push(Finding::fatal("FORMAT_FAILURE", message));
    }
    modifications
}

/// Why a change is not permitted, to be said after its words; `None` when it is.
///
/// `granted` is the strictest `/P` that the signature itself was made under. What later signatures say can only
/// take away; comments need a certification of level 3 that the signature knew of.
#[expect(clippy::match_same_arms, reason = "each permission has its own reason")]
fn refusal(change: &Change, granted: Option<u8>, kinds: &PermittedKinds) -> Option<String> {
    if !change.proven {
        return Some(String::new());
    }
    if !kinds.contains(change.kind) {
        return Some(", which the validation policy does not permit".to_owned());
    }
    if let Some(field) = change.locked.first() {
        return Some(format!(", though an earlier signature locked {field:?}"));
    }
    let level = match (change.level, granted) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let certified = |level: u8| format!(", which an earlier signature forbids (/P {level})");
    match (change.kind, level) {
        // A file's evidence may always be completed, for nothing of the document changes by it.
        (ChangeKind::DocTimeStamp | ChangeKind::SecurityStore, _) => None,
        // They are proven only beside a change that brings them along, which is judged by itself.
        (ChangeKind::Metadata | ChangeKind::StructureTree, _) => None,
        (ChangeKind::FormFill | ChangeKind::Signature, None | Some(2 | 3)) => None,
        (ChangeKind::FormFill | ChangeKind::Signature, Some(level)) => Some(certified(level)),
        (ChangeKind::Annotation, Some(3)) if granted == Some(3) => None,
        (ChangeKind::Annotation, Some(level @ 0..=2)) => Some(certified(level)),
        (ChangeKind::Annotation, _) => Some(", which no certification permits".to_owned()),
        _ => Some(String::new()),
    }
}

/// A kind of changes as reports name it.
pub fn kind_name(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Action => "action",
        ChangeKind::Annotation => "annotation",
        ChangeKind::CatalogEntry => "catalog-entry",
        ChangeKind::DocTimeStamp => "document-time-stamp",
        ChangeKind::EmbeddedFile => "embedded-file",
        ChangeKind::FormFill => "form-fill",
        ChangeKind::Metadata => "metadata",
        ChangeKind::PageContent => "page-content",
        ChangeKind::PageSet => "page-set",
        ChangeKind::SecurityStore => "security-store",
        ChangeKind::Signature => "signature",
        ChangeKind::StructureTree => "structure-tree",
        ChangeKind::Unexplained => "unexplained",
    }
}

/// All that may ever be permitted.
const SOUND: [ChangeKind; 7] = [
    ChangeKind::Annotation,
    ChangeKind::DocTimeStamp,
    ChangeKind::FormFill,
    ChangeKind::Metadata,
    ChangeKind::SecurityStore,
    ChangeKind::Signature,
    ChangeKind::StructureTree,
];

/// Forbidden changes told one by one in the message; the list of modifications has them all.
const MOST_TOLD: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::words::{Language, modification_words};

    fn change(kind: ChangeKind, proven: bool, level: Option<u8>) -> Change {
        Change {
            revision: 2,
            objects: [(7, 0)].into(),
            kind,
            proven,
            level,
            locked: std::sync::Arc::default(),
            what: "changes something".into(),
        }
    }

    #[test]
    fn levels_only_take_away() {
        let sound = PermittedKinds::sound();
        let may = |kind, level, granted| refusal(&change(kind, true, level), granted, &sound).is_none();
        for level in [None, Some(0), Some(1), Some(2), Some(3), Some(9)] {
            assert!(
                may(ChangeKind::DocTimeStamp, level, None) && may(ChangeKind::SecurityStore, level, None)
            );
            let fills = matches!(level, None | Some(2 | 3));
            assert_eq!(may(ChangeKind::FormFill, level, None), fills, "{level:?}");
            assert_eq!(may(ChangeKind::Signature, level, level), fills, "{level:?}");
            assert!(
                !may(ChangeKind::Annotation, level, None) && !may(ChangeKind::PageContent, level, Some(3))
            );
        }
        assert!(may(ChangeKind::Annotation, Some(3), Some(3)));
        // A later signature of a lower level binds all that follows; a later one of a higher level gives nothing.
        assert!(
            !may(ChangeKind::Annotation, Some(2), Some(3)) && !may(ChangeKind::FormFill, Some(1), Some(3))
        );
        assert!(
            !may(ChangeKind::Annotation, Some(3), Some(2)) && !may(ChangeKind::FormFill, Some(3), Some(1))
        );
    }

    #[test]
    fn nothing_unproven_or_locked_is_let_pass() {
        let sound = PermittedKinds::sound();
        for kind in SOUND {
            assert!(refusal(&change(kind, false, Some(3)), Some(3), &sound).is_some(), "{kind:?}");
        }
        let locked = Change { locked: ["a.b".to_owned()].into(), ..change(ChangeKind::FormFill, true, None) };
        assert!(refusal(&locked, None, &sound).is_some_and(|reason| reason.contains("a.b")));
    }

    #[test]
    fn a_policy_narrows_and_never_widens() {
        let narrowed = PermittedKinds::sound().narrowed_to(&["signature", "page-content", "nonsense"]);
        assert!(narrowed.contains(ChangeKind::Signature));
        assert!(!narrowed.contains(ChangeKind::PageContent) && !narrowed.contains(ChangeKind::FormFill));
        let refused = refusal(&change(ChangeKind::FormFill, true, None), None, &narrowed);
        assert!(refused.is_some_and(|reason| reason.contains("policy")));
    }

    #[test]
    fn every_kind_has_its_words() {
        for kind in SOUND.into_iter().chain([
            ChangeKind::Action,
            ChangeKind::CatalogEntry,
            ChangeKind::EmbeddedFile,
            ChangeKind::PageContent,
            ChangeKind::PageSet,
            ChangeKind::Unexplained,
        ]) {
            for language in [Language::English, Language::Vietnamese] {
                assert!(modification_words(kind_name(kind), language).is_some(), "{kind:?}");
            }
        }
        assert_eq!(modification_words("other", Language::English), None);
    }
}
