/// A moment in the life of corrald or its warden at which a test can kill it.
///
/// Debug builds only: in a release build ``pass(_:)`` does nothing, and no variable is looked at. The names
/// begin with whose moment it is.
package enum FailPoint: Int, CaseIterable, Sendable {
    // corrald: its start.
    case daemonStarted, daemonRestored, daemonConnected, daemonListed, daemonCompared, daemonServing
    // The store, and what follows from what was recorded.
    case daemonBeforeCommit, daemonAfterCommit, daemonAfterDeeds, daemonTurned
    // Orders to the warden.
    case daemonBeforeCreate, daemonAfterCreate, daemonBeforeStart, daemonAfterStart
    case daemonBeforeSignal, daemonAfterSignal, daemonBeforeKill, daemonAfterKill
    case daemonBeforeRemove, daemonAfterRemove, daemonBeforeAcknowledge, daemonAfterAcknowledge
    case daemonBeforePause, daemonAfterPause
    // Answers to clients.
    case daemonBeforeAnswer, daemonAfterAnswer
    // What the warden tells.
    case daemonHearsReady, daemonHearsStarted, daemonHearsExit, daemonHearsGone

    // The warden: its start.
    case wardenStarted, wardenServing, wardenListing
    // A launch.
    case wardenSlotTaken, wardenGroupsMade, wardenCloned, wardenLimited, wardenPlanned, wardenWatching
    case wardenCreated, wardenReady, wardenToldReady
    // Processes.
    case wardenBeforeStart, wardenAfterStart, wardenProcessKept, wardenToldStarted, wardenBeforeSignal
    case wardenExited, wardenExitKept, wardenExitTold, wardenBeforeAcknowledge, wardenAfterAcknowledge
    // Standing still and going on.
    case wardenBeforePause, wardenAfterPause
    // The end.
    case wardenBeforeKill, wardenAfterKill, wardenInitDead, wardenGroupsRemoved, wardenToldGone
    case wardenBeforeRemove, wardenAfterRemove

    // Volumes: in the warden, and in the processes that do its slow work.
    case volumeMade, volumeRemoving, volumeRemoved
    case volumeWorkBegun, volumeBeforeCopy, volumeCopied, volumeExchanged, volumeGrowing, volumeLengthened
    case volumeWorkDone
    // A directory of the host that becomes a volume: in the warden, and in the process that mounts it.
    case hostVolumeRecorded, hostMountEntered, hostMountChecked, hostVolumeMounted, hostVolumeUnmounted
    case hostVolumeReleased

    /// Whether it is the warden that dies there.
    package var isWardens: Bool { rawValue >= FailPoint.wardenStarted.rawValue && !isOfVolumes }

    /// Whether it is passed only where there are volumes, by the warden or a worker of its own.
    package var isOfVolumes: Bool { rawValue >= FailPoint.volumeMade.rawValue }

    /// Counts the passing, and does not come back where the sheet says so.
    package static func pass(_ point: FailPoint) {
        #if DEBUG
            FailPointSheet.ofThisProcess?.pass(point)
        #endif
    }
}
