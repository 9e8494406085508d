//! What a talk does for its callers.

use super::TalkPipeline;
use crate::PipelineError;

impl TalkPipeline {
    /// Lets the caller on this seat hear and be heard as this person.
    pub fn put_through(&self, seat: u32, person: u32) -> Result<(), PipelineError> {
        let telephone = self.telephone.as_ref();
        telephone.map_or(Ok(()), |telephone| telephone.put_through(seat, person))
    }

    /// Ends this person's call on this seat, whether they were put through or not.
    pub fn end_call(&self, seat: u32, person: u32) {
        self.call_ended(person);
        if let Some(telephone) = &self.telephone {
            telephone.hang_up(seat);
        }
    }

    /// Calls a number by way of the trunk. Returns what the call is known by; `None` when there is no telephone.
    pub fn call_out(&self, number: &str) -> Option<u64> {
        self.telephone.as_ref().map(|telephone| telephone.call_out(number)).filter(|call| *call != 0)
    }

    /// Ends such a call, however far it has come.
    pub fn cancel_call_out(&self, call: u64) {
        if let Some(telephone) = &self.telephone {
            telephone.cancel(call);
        }
    }

    /// Plays a prompt to the caller on this seat, by the name that `sipbridge` has for it.
    pub fn announce(&self, seat: u32, prompt: &str) {
        if let Some(telephone) = &self.telephone {
            telephone.announce(seat, prompt);
        }
    }

    /// Lets this caller hear all others so many decibels louder, or quieter.
    pub fn turn(&self, person: u32, decibels: i32) {
        if let Some(telephone) = &self.telephone {
            telephone.turn(person, decibels);
        }
    }

    /// Lets nobody more in by telephone, or everybody again.
    pub fn lock(&self, locked: bool) {
        if let Some(telephone) = &self.telephone {
            telephone.lock(locked);
        }
    }

    /// This person's call is over, and their seat may be another's by now.
    pub fn call_ended(&self, person: u32) {
        if let Some(telephone) = &self.telephone {
            telephone.remove(person);
        }
    }
}
