//! What a check has come past, so that it knows which products a file has twice. For large files it is
//! kept in a file: memory must not grow with what is checked.

use std::{collections::HashMap, fs::File, io, os::unix::fs::FileExt, path::Path};

use crate::server::store::monitor_imports::Mark;

/// Products that are remembered in memory.
const IN_MEMORY: u64 = 1 << 18;

/// Bytes of a slot: an identity, and what it was like.
const SLOT: u64 = 16;

/// The products that a check has come past.
#[derive(Debug)]
pub(super) enum Seen {
    Memory(HashMap<u64, u64>),
    File(Table),
}

/// A hash table in a file that has no name, with open addressing. Slots of nothing take no room on disk.
#[derive(Debug)]
pub(super) struct Table {
    file: File,
    /// A power of two.
    slots: u64,
}

impl Seen {
    /// Makes room for so many products, in `directory` if they are many.
    pub(super) fn new(products: u64, directory: &Path) -> io::Result<Self> {
        if products <= IN_MEMORY {
            return Ok(Self::Memory(HashMap::new()));
        }
        Table::new(products, directory).map(Self::File)
    }

    /// Takes note of a product; says whether it was like that before, `None` where there was none.
    pub(super) fn replace(&mut self, mark: Mark) -> io::Result<Option<bool>> {
        let before = match self {
            Self::Memory(marks) => marks.insert(mark.identity, mark.like),
            Self::File(table) => table.insert(mark.identity, mark.like)?,
        };
        Ok(before.map(|before| before == mark.like))
    }
}

impl Table {
    fn new(products: u64, directory: &Path) -> io::Result<Self> {
        let slots = products
            .saturating_mul(2)
            .checked_next_power_of_two()
            .ok_or(io::ErrorKind::FileTooLarge)?;
        let file = product_feed::nameless(directory)?;
        file.set_len(slots.checked_mul(SLOT).ok_or(io::ErrorKind::FileTooLarge)?)?;
        Ok(Self { file, slots })
    }

    fn insert(&self, identity: u64, like: u64) -> io::Result<Option<u64>> {
        // A slot of zeros is free.
        let identity = identity.max(1);
        for step in 0..self.slots {
            let at = (identity.wrapping_add(step) & (self.slots - 1)) * SLOT;
            let mut slot = [0; 16];
            self.file.read_exact_at(&mut slot, at)?;
            let [first, second] =
                [&slot[..8], &slot[8..]].map(|half| half.try_into().map_or(0, u64::from_le_bytes));
            if first != 0 && first != identity {
                continue;
            }
            self.file.write_all_at(&identity.to_le_bytes(), at)?;
            self.file.write_all_at(&like.to_le_bytes(), at + 8)?;
            return Ok((first == identity).then_some(second));
        }
        Err(io::ErrorKind::StorageFull.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_remembers_as_memory_does() {
        let directory = tempfile::tempdir().unwrap();
        let mut memory = Seen::new(500, directory.path()).unwrap();
        assert!(matches!(memory, Seen::Memory(_)));
        let mut file = Seen::File(Table::new(500, directory.path()).unwrap());
        for _ in 0..4000 {
            let identity = fastrand::u64(0..500).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let like = fastrand::u64(0..3);
            let mark = Mark { identity, like };
            assert_eq!(file.replace(mark).unwrap(), memory.replace(mark).unwrap());
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn many_products_are_remembered_in_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let seen = Seen::new(IN_MEMORY + 1, directory.path()).unwrap();
        assert!(matches!(seen, Seen::File(_)));
    }
}
