//! Dice that fall the same way every time.

/// A stream of numbers that follows from its seed (splitmix64).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `count` - 1.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.number() % count as u64).expect("smaller than a usize")
    }

    /// Yes so many times in a thousand.
    pub(crate) fn permille(&mut self, count: usize) -> bool {
        self.below(1000) < count
    }

    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// Takes `count` of the list, in a random order.
    pub(crate) fn take<T: Copy>(&mut self, count: usize, of: &[T]) -> Vec<T> {
        let mut all = of.to_vec();
        let count = count.min(all.len());
        for at in 0..count {
            let other = at + self.below(all.len() - at);
            all.swap(at, other);
        }
        all.truncate(count);
        all
    }
}
