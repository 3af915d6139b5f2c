package import Sandbox

// What the warden keeps of sessions and processes, as it tells it.

/// Where a sandbox is in its life, as the warden sees it.
package enum SandboxStage: String, CaseIterable, Hashable, Sendable {
    case starting
    case running
    case paused
    /// It is being killed.
    case ending
    /// Nothing of it is left but its record.
    case gone
    /// It is dead, and something of it could not be removed.
    case stuck
}

/// Why a sandbox is no more.
package struct SandboxEnd: Hashable, Sendable {
    package var cause: Cause
    /// A sentence; empty where the cause says it all.
    package var detail: String
    package var statistics: SandboxStatistics
    /// When, on CLOCK_BOOTTIME, in nanoseconds.
    package var at: UInt64

    package init(cause: Cause, detail: String = "", statistics: SandboxStatistics = .init(), at: UInt64) {
        self.cause = cause
        self.detail = detail
        self.statistics = statistics
        self.at = at
    }
}

/// What a sandbox uses and used; nil where nothing counts it.
package struct SandboxStatistics: Hashable, Sendable {
    /// In bytes, now and at most.
    package var memory: UInt64?
    package var peakMemory: UInt64?
    /// In microseconds.
    package var cpuTime: UInt64?
    /// Processes and threads.
    package var pids: UInt64?
    package var outOfMemoryKills: UInt64?
    package var pidsLimitHits: UInt64?
    /// What the volume that is the workspace holds; nil for a workspace in memory as well.
    package var workspace: VolumeAmounts

    package init(
        memory: UInt64? = nil, peakMemory: UInt64? = nil, cpuTime: UInt64? = nil, pids: UInt64? = nil,
        outOfMemoryKills: UInt64? = nil, pidsLimitHits: UInt64? = nil, workspace: VolumeAmounts = .init()
    ) {
        self.memory = memory
        self.peakMemory = peakMemory
        self.cpuTime = cpuTime
        self.pids = pids
        self.outOfMemoryKills = outOfMemoryKills
        self.pidsLimitHits = pidsLimitHits
        self.workspace = workspace
    }
}

/// The limits of a sandbox that are in force; nil for one that nothing enforces, or that there is none of.
package struct SandboxLimits: Hashable, Sendable {
    /// In bytes.
    package var memory: UInt64?
    package var swap: UInt64?
    /// Processes and threads.
    package var pids: UInt64?
    /// In thousandths of a cpu.
    package var cpus: UInt64?
    /// In milliseconds.
    package var cpuTime: UInt64?
    /// Of the workspace, a volume or in memory.
    package var workspace: VolumeAmounts

    package init(
        memory: UInt64? = nil, swap: UInt64? = nil, pids: UInt64? = nil, cpus: UInt64? = nil,
        cpuTime: UInt64? = nil, workspace: VolumeAmounts = .init()
    ) {
        self.memory = memory
        self.swap = swap
        self.pids = pids
        self.cpus = cpus
        self.cpuTime = cpuTime
        self.workspace = workspace
    }

    /// Those of a profile, as far as their layers hold.
    package init(_ limits: Limits, _ layers: [Layer: LayerState]) {
        func held(_ layer: Layer, _ value: UInt64?) -> UInt64? {
            switch layers[layer] {
            case .inForce, .partial: value
            case .off, nil: nil
            }
        }
        self.init(
            memory: held(.memory, limits.memory), swap: held(.swap, limits.swap),
            pids: held(.pids, UInt64(limits.pids)), cpus: held(.cpu, UInt64(limits.milliCPUs)),
            // Without a cgroup that counts nothing is started with it.
            cpuTime: limits.cpuTime)
    }
}

/// How a process ended and what it used. Kept until corrald acknowledges it.
package struct ExitRecord: Hashable, Sendable {
    package enum Status: Hashable, Sendable {
        case exited(Int32)
        case signalled(Int32)
        /// The sandbox went first, and took the status with it.
        case unknown
    }
    package var status: Status
    /// In microseconds.
    package var userTime: Int64
    package var systemTime: Int64
    /// In KiB.
    package var peakMemory: Int64
    /// On CLOCK_BOOTTIME, in nanoseconds.
    package var at: UInt64

    package init(
        _ status: Status, userTime: Int64 = 0, systemTime: Int64 = 0, peakMemory: Int64 = 0, at: UInt64
    ) {
        self.status = status
        self.userTime = userTime
        self.systemTime = systemTime
        self.peakMemory = peakMemory
        self.at = at
    }
}

/// Why a process was never running.
package struct StartProblem: Hashable, Sendable {
    package enum Reason: String, CaseIterable, Hashable, Sendable {
        case notFound = "not-found"
        case notExecutable = "not-executable"
        /// The working directory cannot be entered.
        case directory
        /// A layer could not be put on it.
        case layer
        /// The sandbox ended before it was started.
        case gone
    }
    package var reason: Reason
    /// The error number; 0 for none.
    package var errno: Int32
    package var sentence: String

    package init(_ reason: Reason, errno: Int32, sentence: String) {
        self.reason = reason
        self.errno = errno
        self.sentence = sentence
    }
}

/// What a descriptor beside a ``ProcessEntry`` is.
package enum StreamRole: String, CaseIterable, Hashable, Sendable {
    /// The writing end of the standard input.
    case input
    /// The reading ends of the pipes.
    case output, errors
    /// The master of the terminal, and the pipe that its bytes go through on their way to the ring.
    case terminal, elbow
    /// The memory files that the streams are spliced into. Their open file description is the warden's too:
    /// its position says how much there is.
    case outputRing = "output-ring"
    case errorsRing = "errors-ring"
}

/// A process in custody.
package struct ProcessEntry: Hashable, Sendable {
    package enum Stage: Hashable, Sendable {
        case starting
        /// The pid as the sandbox sees it.
        case running(pid: Int32)
        case failed(StartProblem)
        case exited(ExitRecord)
    }
    package var key: ProcessKey
    package var stage: Stage
    /// When it was asked for, on CLOCK_BOOTTIME, in nanoseconds.
    package var began: UInt64
    /// What the descriptors beside the message are, in their order.
    package var roles: [StreamRole]

    package init(_ key: ProcessKey, _ stage: Stage, began: UInt64, roles: [StreamRole]) {
        self.key = key
        self.stage = stage
        self.began = began
        self.roles = roles
    }
}

/// A session in custody.
package struct SessionEntry: Hashable, Sendable {
    package var id: SandboxID
    package var stage: SandboxStage
    package var profile: String
    package var image: String
    /// When it was ordered, on CLOCK_BOOTTIME, in nanoseconds.
    package var began: UInt64
    package var layers: [Layer: LayerState]
    package var limits: SandboxLimits
    package var note: [UInt8]
    /// Where it is gone or stuck.
    package var end: SandboxEnd?

    package init(
        _ id: SandboxID, _ stage: SandboxStage, profile: String, image: String, began: UInt64,
        layers: [Layer: LayerState], limits: SandboxLimits = .init(), note: [UInt8], end: SandboxEnd? = nil
    ) {
        self.id = id
        self.stage = stage
        self.profile = profile
        self.image = image
        self.began = began
        self.layers = layers
        self.limits = limits
        self.note = note
        self.end = end
    }
}

/// The network namespaces that a warden keeps ready.
package struct NetworkPoolState: Hashable, Sendable {
    /// There now, and at most; 0 where none are kept.
    package var ready: UInt32
    package var most: UInt32
    /// Sandboxes that got one, and those that waited until theirs was made.
    package var taken: UInt64
    package var missed: UInt64
    /// Why there are none, or fewer than there should be; else empty.
    package var problem: String

    package init(
        ready: UInt32 = 0, most: UInt32 = 0, taken: UInt64 = 0, missed: UInt64 = 0, problem: String = ""
    ) {
        self.ready = ready
        self.most = most
        self.taken = taken
        self.missed = missed
        self.problem = problem
    }
}

/// The warden itself.
package struct WardenStatus: Hashable, Sendable {
    package var build: String
    package var pid: Int32
    package var sessions: UInt32
    package var processes: UInt32
    /// Open descriptors in custody, and how many there may be.
    package var descriptors: UInt32
    package var descriptorLimit: UInt32
    package var networks: NetworkPoolState
    /// What this warden could not do as it should, a sentence each.
    package var remarks: [String]

    package init(
        build: String, pid: Int32, sessions: UInt32, processes: UInt32, descriptors: UInt32,
        descriptorLimit: UInt32, networks: NetworkPoolState, remarks: [String]
    ) {
        self.build = build
        self.pid = pid
        self.sessions = sessions
        self.processes = processes
        self.descriptors = descriptors
        self.descriptorLimit = descriptorLimit
        self.networks = networks
        self.remarks = remarks
    }
}
