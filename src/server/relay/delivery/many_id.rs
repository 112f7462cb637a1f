//! The `id:` of a stream of many jobs (pure): which listed jobs' ends the client has seen, so that any instance can
//! resume without repeating them. Changes only with an end.

use std::fmt;

use crate::model::job::JobId;

/// The event ID: `<number of ends>.<list>.<ends>`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::server::relay) struct ManyId {
    list: u32,
    /// One bit per listed job: its end was sent.
    ends: Vec<u8>,
}

impl ManyId {
    /// Creates the ID, or resumes from a `Last-Event-ID`.
    pub(in crate::server::relay) fn new(listed: &[JobId], last_event_id: Option<&str>) -> Self {
        let fresh = Self {
            list: fingerprint(listed),
            ends: vec![0; listed.len().div_ceil(4)],
        };
        last_event_id
            .and_then(|text| fresh.read(text))
            .unwrap_or(fresh)
    }

    fn read(&self, text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (number, list, ends) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || u32::from_str_radix(list, 16).ok()? != self.list {
            return None;
        }
        let mut read = self.clone();
        if ends.len() > read.ends.len() {
            return None;
        }
        for (bits, digit) in read.ends.iter_mut().zip(ends.chars()) {
            *bits = u8::try_from(digit.to_digit(16)?).ok()?;
        }
        (number.parse() == Ok(read.count())).then_some(read)
    }

    fn count(&self) -> u32 {
        self.ends.iter().map(|bits| bits.count_ones()).sum()
    }

    pub(in crate::server::relay) fn has_seen_end(&self, place: usize) -> bool {
        self.ends
            .get(place / 4)
            .is_some_and(|bits| bits & (1 << (place % 4)) != 0)
    }

    pub(super) fn tell_end(&mut self, place: usize) {
        if let Some(bits) = self.ends.get_mut(place / 4) {
            *bits |= 1 << (place % 4);
        }
    }
}

impl fmt::Display for ManyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:x}.", self.count(), self.list)?;
        let last = self.ends.iter().rposition(|bits| *bits != 0);
        let told = &self.ends[..last.map_or(0, |last| last + 1)];
        told.iter().try_for_each(|bits| write!(f, "{bits:x}"))
    }
}

/// FNV-1a: stable across versions and machines.
fn fingerprint(listed: &[JobId]) -> u32 {
    let bytes = listed
        .iter()
        .flat_map(|job| job.as_str().bytes().chain(*b","));
    bytes.fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn jobs(count: usize) -> Vec<JobId> {
        (0..count)
            .map(|number| format!("job-{number}").parse().unwrap())
            .collect()
    }

    #[test]
    fn it_tells_of_which_jobs_the_end_was_seen() {
        let listed = jobs(9);
        let mut id = ManyId::new(&listed, None);
        id.tell_end(1);
        id.tell_end(8);
        let text = id.to_string();
        assert!(text.starts_with("2.") && text.ends_with(".201"), "{text}");
        let back = ManyId::new(&listed, Some(&text));
        let seen: Vec<_> = (0..9).filter(|place| back.has_seen_end(*place)).collect();
        assert_eq!(seen, [1, 8]);
    }

    #[test]
    fn an_id_that_was_changed_counts_for_nothing() {
        let listed = jobs(9);
        let mut id = ManyId::new(&listed, None);
        id.tell_end(1);
        let changed = id.to_string().replacen("1.", "99999999999999999999.", 1);
        let none = ManyId::new(&listed, None);
        assert_eq!(ManyId::new(&listed, Some(&changed)), none);
        let changed = id.to_string().replacen("1.", "2.", 1);
        assert_eq!(ManyId::new(&listed, Some(&changed)), none);
    }

    #[test]
    fn what_was_seen_of_another_list_counts_for_nothing() {
        let mut id = ManyId::new(&jobs(9), None);
        id.tell_end(1);
        let other = ManyId::new(&jobs(8), Some(&id.to_string()));
        assert_eq!(other, ManyId::new(&jobs(8), None));
    }

    proptest! {
        #[test]
        fn it_reads_back(count in 0..300_usize, told in proptest::collection::vec(any::<u16>(), 0..60)) {
            let listed = jobs(count);
            let mut id = ManyId::new(&listed, None);
            for place in told {
                id.tell_end(place.into());
            }
            prop_assert_eq!(&ManyId::new(&listed, Some(&id.to_string())), &id);
        }

        #[test]
        fn no_text_makes_it_panic(text: String, count in 0..20_usize) {
            let id = ManyId::new(&jobs(count), Some(&text));
            let _ = id.has_seen_end(count);
        }

        #[test]
        fn no_near_id_makes_it_panic(ends in "[0-9a-g]{0,9}", number in "[0-9]{0,22}") {
            let listed = jobs(20);
            let list = fingerprint(&listed);
            let _ = ManyId::new(&listed, Some(&format!("{number}.{list:x}.{ends}"))).to_string();
        }
    }
}
