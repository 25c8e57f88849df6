//! The policies that a path is valid for (RFC 5280 section 6.1 as RFC 9618 has it).
//!
//! The tree of RFC 5280 grows without bound where policies are mapped crosswise. RFC 9618 keeps one node for each
//! policy at each depth, with several parents: a graph no larger than what the certificates list.

use std::collections::{BTreeMap, BTreeSet};

use crate::x509::PolicyId;

/// The policies of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySet {
    /// user-constrained-policy-set, sorted; [`PolicyId::ANY`] in it stands for every policy.
    pub policies: Vec<PolicyId>,
}

/// valid_policy_graph: one level a certificate. The newest level is empty exactly when the graph is NULL.
#[derive(Debug)]
pub(super) struct Graph {
    levels: Vec<Level>,
}

type Level = BTreeMap<PolicyId, Node>;

/// A node, under its valid_policy.
#[derive(Debug, Default)]
struct Node {
    expected: BTreeSet<PolicyId>,
    /// By valid_policy, on the level before.
    parents: BTreeSet<PolicyId>,
}

impl Graph {
    /// RFC 9618 section 5.2 (a): anyPolicy alone.
    pub(super) fn new() -> Self {
        let root = Node { expected: BTreeSet::from([PolicyId::ANY]), parents: BTreeSet::new() };
        Self { levels: vec![Level::from([(PolicyId::ANY, root)])] }
    }

    /// Whether no policy is left.
    pub(super) fn is_null(&self) -> bool {
        self.levels.last().is_none_or(BTreeMap::is_empty)
    }

    /// RFC 9618 section 5.3 (d) and (e): the policies of the next certificate, `None` where it has no such extension.
    /// `any_policy`: whether anyPolicy among them counts.
    pub(super) fn certificate(&mut self, policies: Option<&[PolicyId]>, any_policy: bool) {
        let mut level = Level::new();
        let policies = policies.unwrap_or_default();
        if let Some(above) = self.levels.last() {
            let mut expecting: BTreeMap<PolicyId, BTreeSet<PolicyId>> = BTreeMap::new();
            for (policy, node) in above {
                for expected in &node.expected {
                    expecting.entry(*expected).or_default().insert(*policy);
                }
            }
            for policy in policies.iter().filter(|policy| **policy != PolicyId::ANY) {
                let parents = expecting.get(policy).cloned();
                let any = || above.contains_key(&PolicyId::ANY).then(|| BTreeSet::from([PolicyId::ANY]));
                if let Some(parents) = parents.or_else(any) {
                    level.insert(*policy, Node { expected: BTreeSet::from([*policy]), parents });
                }
            }
            if any_policy && policies.contains(&PolicyId::ANY) {
                for (policy, parents) in expecting {
                    let expected = BTreeSet::from([policy]);
                    level.entry(policy).or_insert(Node { expected, parents });
                }
            }
        }
        self.levels.push(level);
    }

    /// RFC 9618 section 5.4 (b): the mappings of the certificate that was taken last.
    pub(super) fn map(&mut self, mappings: &[(PolicyId, PolicyId)], allowed: bool) {
        let Some(level) = self.levels.last_mut() else { return };
        let mut targets: BTreeMap<PolicyId, BTreeSet<PolicyId>> = BTreeMap::new();
        for (issuer, subject) in mappings {
            targets.entry(*issuer).or_default().insert(*subject);
        }
        let any = level.contains_key(&PolicyId::ANY);
        for (policy, expected) in targets {
            if !allowed {
                level.remove(&policy);
            } else if let Some(node) = level.get_mut(&policy) {
                node.expected = expected;
            } else if any {
                level.insert(policy, Node { expected, parents: BTreeSet::from([PolicyId::ANY]) });
            }
        }
    }

    /// RFC 9618 section 5.5 (g): user-constrained-policy-set. `initial`: `None` for any policy.
    pub(super) fn user_constrained(&self, initial: Option<&[PolicyId]>) -> PolicySet {
        let authority = self.authority_constrained();
        let policies: BTreeSet<PolicyId> = match initial {
            None => authority,
            Some(initial) if authority.contains(&PolicyId::ANY) => initial.iter().copied().collect(),
            Some(initial) => initial.iter().copied().filter(|policy| authority.contains(policy)).collect(),
        };
        PolicySet { policies: policies.into_iter().collect() }
    }

    /// The policies that anyPolicy above leads to and the last certificate still bears out.
    fn authority_constrained(&self) -> BTreeSet<PolicyId> {
        let mut found = BTreeSet::new();
        let Some(last) = self.levels.last() else { return found };
        if last.contains_key(&PolicyId::ANY) {
            found.insert(PolicyId::ANY);
        }
        let mut borne_out: BTreeSet<PolicyId> = last.keys().copied().collect();
        for level in self.levels.iter().skip(1).rev() {
            let mut above = BTreeSet::new();
            for policy in &borne_out {
                let Some(node) = level.get(policy) else { continue };
                if *policy != PolicyId::ANY && node.parents == BTreeSet::from([PolicyId::ANY]) {
                    found.insert(*policy);
                }
                above.extend(&node.parents);
            }
            borne_out = above;
        }
        found
    }

    #[cfg(test)]
    fn size(&self) -> usize {
        let nodes = self.levels.iter().flat_map(BTreeMap::values);
        nodes.map(|node| 1 + node.expected.len() + node.parents.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy(number: u32) -> PolicyId {
        if number == 0 { PolicyId::ANY } else { format!("2.999.{number}").parse().unwrap() }
    }

    fn policies(numbers: &[u32]) -> Vec<PolicyId> {
        numbers.iter().copied().map(policy).collect()
    }

    fn set(graph: &Graph, initial: &[u32]) -> Vec<PolicyId> {
        let initial = policies(initial);
        graph.user_constrained((!initial.is_empty()).then_some(&initial[..])).policies
    }

    #[test]
    fn a_policy_must_go_all_the_way() {
        let mut graph = Graph::new();
        graph.certificate(Some(&policies(&[1, 2])), true);
        graph.certificate(Some(&policies(&[2, 3])), true);
        assert_eq!(set(&graph, &[]), policies(&[2]));
        assert_eq!(set(&graph, &[1, 3]), policies(&[]));
        graph.certificate(None, true);
        assert!(graph.is_null());
        assert_eq!(set(&graph, &[]), []);
    }

    #[test]
    fn any_policy_stands_for_all_where_it_counts() {
        let mut graph = Graph::new();
        graph.certificate(Some(&policies(&[0])), true);
        assert_eq!(set(&graph, &[]), [PolicyId::ANY]);
        assert_eq!(set(&graph, &[7]), policies(&[7]));
        graph.certificate(Some(&policies(&[1])), true);
        assert_eq!(set(&graph, &[7]), []);
        assert_eq!(set(&graph, &[1]), policies(&[1]));
        let mut inhibited = Graph::new();
        inhibited.certificate(Some(&policies(&[0])), false);
        assert!(inhibited.is_null());
    }

    #[test]
    fn mapped_policies_are_told_in_the_words_of_the_first_issuer() {
        let mapped = |allowed| {
            let mut graph = Graph::new();
            graph.certificate(Some(&policies(&[1])), true);
            graph.map(&[(policy(1), policy(2)), (policy(1), policy(3))], allowed);
            graph.certificate(Some(&policies(&[3])), true);
            graph
        };
        assert_eq!(set(&mapped(true), &[]), policies(&[1]));
        assert!(mapped(false).is_null());
        let mut from_any = Graph::new();
        from_any.certificate(Some(&policies(&[0])), true);
        from_any.map(&[(policy(4), policy(5))], true);
        from_any.certificate(Some(&policies(&[5])), true);
        assert_eq!(set(&from_any, &[]), policies(&[4]));
    }

    /// Each of n policies mapped to all n, on every level: a tree would have n to the power of the depth.
    #[test]
    fn crosswise_mappings_stay_small() {
        let count = 40_u32;
        let listed = policies(&(1..=count).collect::<Vec<_>>());
        let crosswise: Vec<_> = listed.iter().flat_map(|one| listed.iter().map(|two| (*one, *two))).collect();
        let mut graph = Graph::new();
        for _ in 0..10 {
            graph.certificate(Some(&listed), true);
            graph.map(&crosswise, true);
        }
        graph.certificate(Some(&listed), true);
        assert_eq!(set(&graph, &[]).len(), 40);
        assert!(graph.size() < 11 * 2 * 41 * 41, "{}", graph.size());
    }

    proptest! {
        #[test]
        fn any_certificates_are_answered_within_bounds(
            steps in prop::collection::vec(
                (
                    prop::option::of(prop::collection::vec(0_u32..6, 0..6)),
                    any::<bool>(),
                    prop::collection::vec((1_u32..6, 1_u32..6), 0..8),
                    any::<bool>(),
                ),
                0..8,
            ),
            initial in prop::collection::vec(0_u32..6, 0..4),
        ) {
            let mut graph = Graph::new();
            let (mut bound, mut explicit_everywhere) = (3, true);
            for (listed, any_policy, mappings, allowed) in &steps {
                let listed = listed.as_ref().map(|listed| policies(listed));
                explicit_everywhere &= listed.is_some();
                graph.certificate(listed.as_deref(), *any_policy);
                let mappings: Vec<_> =
                    mappings.iter().map(|(one, two)| (policy(*one), policy(*two))).collect();
                graph.map(&mappings, *allowed);
                bound += 6 * 6 * 3 + 3 * mappings.len();
            }
            prop_assert!(graph.size() <= bound);
            let all = set(&graph, &[]);
            prop_assert!(explicit_everywhere || all.is_empty());
            prop_assert_eq!(graph.is_null() && !steps.is_empty(), all.is_empty() && !steps.is_empty());
            // A narrower question never has an answer that the wider one does not cover.
            let narrow = set(&graph, &initial);
            let wide = all.contains(&PolicyId::ANY) || initial.is_empty();
            prop_assert_eq!(graph.user_constrained(Some(&[])).policies, vec![]);
            prop_assert!(wide || narrow.iter().all(|policy| all.contains(policy)));
        }
    }
}
