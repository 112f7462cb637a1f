//! Remembers the products of a file to detect repeated rows; large files use disk instead of memory.

use std::{
    fs::File,
    hash::{BuildHasher, RandomState},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

const IN_MEMORY: u64 = 1 << 20;

/// Bytes of a slot: hash of the identity, and line.
const SLOT: u64 = 16;

/// Products so far with their last line.
#[derive(Debug)]
pub(super) struct Seen {
    hasher: RandomState,
    table: Table,
    is_empty: bool,
}

/// A hash table with open addressing; hash 0 marks a free slot.
#[derive(Debug)]
enum Table {
    Memory(Vec<(u64, u64)>),
    /// A sparse, unlinked temporary file.
    File {
        file: File,
        slots: u64,
    },
}

impl Seen {
    pub(super) fn new(products: u64, directory: &Path) -> io::Result<Self> {
        let table = if products <= IN_MEMORY {
            let slots = usize::try_from(slots(products)).map_err(io::Error::other)?;
            Table::Memory(vec![(0, 0); slots])
        } else {
            Table::file(products, directory)?
        };
        Ok(Self {
            hasher: RandomState::new(),
            table,
            is_empty: true,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Compares hashes; collisions are negligible.
    pub(super) fn contains(&self, identity: &str) -> io::Result<bool> {
        let mark = self.hasher.hash_one(identity).max(1);
        self.table.contains(mark)
    }

    pub(super) fn replace(&mut self, identity: &str, line: u64) -> io::Result<Option<u64>> {
        self.is_empty = false;
        let mark = self.hasher.hash_one(identity).max(1);
        self.table.insert(mark, line)
    }
}

fn slots(products: u64) -> u64 {
    products.saturating_add(products / 4).saturating_add(8)
}

impl Table {
    fn file(products: u64, directory: &Path) -> io::Result<Self> {
        let slots = slots(products);
        let file = product_feed::nameless(directory)?;
        file.set_len(slots.checked_mul(SLOT).ok_or(io::ErrorKind::FileTooLarge)?)?;
        Ok(Self::File { file, slots })
    }

    fn slots(&self) -> u64 {
        match self {
            Self::Memory(slots) => slots.len() as u64,
            Self::File { slots, .. } => *slots,
        }
    }

    /// Returns the slots to probe for a hash.
    fn places(&self, mark: u64) -> impl Iterator<Item = u64> + use<> {
        let slots = self.slots();
        // Scales the hash to the number of slots.
        let first = ((u128::from(mark) * u128::from(slots)) >> 64) as u64;
        (0..slots).map(move |step| (first + step) % slots)
    }

    fn contains(&self, mark: u64) -> io::Result<bool> {
        for at in self.places(mark) {
            let (there, _) = self.get(at)?;
            if there == 0 || there == mark {
                return Ok(there == mark);
            }
        }
        Ok(false)
    }

    fn insert(&mut self, mark: u64, line: u64) -> io::Result<Option<u64>> {
        for at in self.places(mark) {
            let (there, before) = self.get(at)?;
            if there == 0 || there == mark {
                self.set(at, (mark, line))?;
                return Ok((there == mark).then_some(before));
            }
        }
        Err(io::ErrorKind::StorageFull.into())
    }

    #[allow(clippy::cast_possible_truncation)] // an index is below the length of a vector
    fn get(&self, at: u64) -> io::Result<(u64, u64)> {
        match self {
            Self::Memory(slots) => Ok(slots[at as usize]),
            Self::File { file, .. } => {
                let mut slot = [0; SLOT as usize];
                file.read_exact_at(&mut slot, at * SLOT)?;
                let [mark, line] = [&slot[..8], &slot[8..]]
                    .map(|half| half.try_into().map_or(0, u64::from_le_bytes));
                Ok((mark, line))
            }
        }
    }

    #[allow(clippy::cast_possible_truncation)] // as above
    fn set(&mut self, at: u64, (mark, line): (u64, u64)) -> io::Result<()> {
        match self {
            Self::Memory(slots) => {
                slots[at as usize] = (mark, line);
                Ok(())
            }
            Self::File { file, .. } => {
                let mut slot = [0; SLOT as usize];
                slot[..8].copy_from_slice(&mark.to_le_bytes());
                slot[8..].copy_from_slice(&line.to_le_bytes());
                file.write_all_at(&slot, at * SLOT)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn memory_and_a_file_remember_the_last_line_of_each_product() {
        let directory = tempfile::tempdir().unwrap();
        let mut memory = Seen::new(500, directory.path()).unwrap();
        assert!(matches!(memory.table, Table::Memory(_)));
        let mut file = Seen {
            hasher: RandomState::new(),
            table: Table::file(500, directory.path()).unwrap(),
            is_empty: true,
        };
        let mut expected = HashMap::new();
        for line in 1..4000 {
            let identity = format!("sku:{}", fastrand::u64(0..500));
            let before = expected.insert(identity.clone(), line);
            assert_eq!(memory.replace(&identity, line).unwrap(), before);
            assert_eq!(file.replace(&identity, line).unwrap(), before);
        }
        for seen in [&memory, &file] {
            assert!(!seen.is_empty());
            assert!(
                expected
                    .keys()
                    .all(|identity| seen.contains(identity).unwrap())
            );
            assert!(!seen.contains("sku:500").unwrap());
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn many_products_are_remembered_in_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let seen = Seen::new(IN_MEMORY + 1, directory.path()).unwrap();
        assert!(matches!(seen.table, Table::File { .. }));
    }

    #[test]
    fn more_products_than_there_is_room_for_are_an_error() {
        let mut seen = Seen::new(0, Path::new("")).unwrap();
        let inserted = (0..20).map(|n| seen.replace(&n.to_string(), 1));
        assert!(inserted.collect::<io::Result<Vec<_>>>().is_err());
    }
}
