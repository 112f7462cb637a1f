//! Counts by key.

use std::{collections::HashMap, hash::Hash};

/// Counts per key. A key with a count of 0 takes no memory.
#[derive(Debug)]
pub(crate) struct Counts<K>(HashMap<K, usize>);

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Counts<K> {
    pub(crate) fn of(&self, key: &K) -> usize {
        self.0.get(key).copied().unwrap_or_default()
    }

    pub(crate) fn add(&mut self, key: K) {
        *self.0.entry(key).or_default() += 1;
    }

    pub(crate) fn remove(&mut self, key: &K) {
        if let Some(count) = self.0.get_mut(key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.0.remove(key);
            }
        }
    }
}

#[cfg(test)]
impl<K> Counts<K> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_which_there_are_none_is_forgotten() {
        let mut counts = Counts::default();
        counts.add("a");
        counts.add("a");
        counts.remove(&"a");
        counts.remove(&"b");
        assert_eq!((counts.of(&"a"), counts.of(&"b")), (1, 0));
        counts.remove(&"a");
        assert!(counts.is_empty());
    }
}
