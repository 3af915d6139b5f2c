import TestSupport
import Testing

/// Tests that load the machine or measure time, one after the other so that they do not disturb
/// each other.
@Suite(.serialized, .enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
enum OneAtATime {}
