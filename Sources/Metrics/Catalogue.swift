// Every metric that corrald tells. None has a label with a session's or a process's id, a name or a path.

extension Metric {
    /// In the order in which they are written.
    package static let all: [Metric] = node + sessions + tenants + requestMetrics + store + warden + process

    // MARK: The node

    package static let buildInfo = Metric(
        .gauge, "corral_build_info", "Versions of corrald, of its warden and of the kernel; always 1",
        labels: ["version", "warden_version", "kernel"])
    package static let wardenConnected = Metric(
        .gauge, "corral_warden_connected", "Whether the warden is connected: without it nothing begins")
    package static let stateFree = Metric(
        .gauge, "corral_state_free_bytes", "What is free on the device of the state directory")
    package static let stateSize = Metric(
        .gauge, "corral_state_size_bytes", "How large the device of the state directory is")
    package static let followers = Metric(
        .gauge, "corral_event_followers", "Clients that follow events")

    private static let node = [buildInfo, wardenConnected, stateFree, stateSize, followers]

    // MARK: Sessions

    package static let sessionStates = Metric(
        .gauge, "corral_sessions", "Sessions by state, those that have ended and are kept among them",
        labels: ["state"])
    package static let sessionLimit = Metric(
        .gauge, "corral_sessions_limit", "How many sessions there may be at once (limits.sessions)")
    package static let launches = Metric(
        .counter, "corral_session_launches", "Sandboxes that the warden was asked for")
    package static let launchTime = Metric(
        .histogram, "corral_session_launch_seconds", "From a request for a session until its sandbox runs",
        buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30])
    package static let sessionEnds = Metric(
        .counter, "corral_session_ends", "Sessions that have ended, by cause", labels: ["cause"])
    package static let kills = Metric(
        .counter, "corral_session_kills", "Orders to the warden to kill a sandbox with all that is in it")
    package static let limitHits = Metric(
        .counter, "corral_limit_hits", "Times that a session was at one of its limits, by limit",
        labels: ["limit"])
    package static let processStates = Metric(
        .gauge, "corral_processes",
        "Processes by kind and state, those that have ended and are kept among them",
        labels: ["kind", "state"])
    package static let processStart = Metric(
        .histogram, "corral_process_start_seconds", "From a request for a process until it runs",
        labels: ["kind"],
        buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
    package static let execTime = Metric(
        .histogram, "corral_exec_seconds", "From a request for an exec until it has ended",
        buckets: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800])
    package static let processEnds = Metric(
        .counter, "corral_process_ends", "Processes that have ended for good, by kind and cause",
        labels: ["kind", "cause"])

    private static let sessions = [
        sessionStates, sessionLimit, launches, launchTime, sessionEnds, kills, limitHits, processStates,
        processStart, execTime, processEnds,
    ]

    // MARK: Tenants

    package static let quotaUsed = Metric(
        .gauge, "corral_tenant_quota_used",
        "What a tenant has or has spent of a quota: bytes, processors or a number",
        labels: ["tenant", "quota"])
    package static let quotaLimit = Metric(
        .gauge, "corral_tenant_quota_limit",
        "What a tenant may have of a quota: bytes, processors or a number; absent where there is no limit",
        labels: ["tenant", "quota"])

    private static let tenants = [quotaUsed, quotaLimit]

    // MARK: Requests

    package static let requests = Metric(
        .counter, "corral_requests", "Requests by operation of the API, those that were refused among them",
        labels: ["operation"])
    package static let refusals = Metric(
        .counter, "corral_refusals", "Requests that were refused, by the code of the refusal",
        labels: ["code"])

    private static let requestMetrics = [requests, refusals]
}

extension Metric {
    // MARK: The store

    package static let storeWritable = Metric(
        .gauge, "corral_store_writable", "Whether changes can be recorded: where not, nothing begins")
    package static let storePending = Metric(
        .gauge, "corral_store_pending_changes", "Changes and audit records that are not on record yet")
    package static let storeLag = Metric(
        .histogram, "corral_store_lag_seconds",
        "From the first change or audit record of a transaction until all of it is on record",
        buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5])
    package static let storeSync = Metric(
        .histogram, "corral_store_sync_seconds", "Waits until what is recorded is on the device",
        buckets: [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5])
    package static let storeFailures = Metric(
        .counter, "corral_store_failures",
        "Times that something could not be recorded or brought to the device")
    package static let auditRecords = Metric(
        .counter, "corral_audit_records", "Audit records that were handed to the store")

    static let store = [storeWritable, storePending, storeLag, storeSync, storeFailures, auditRecords]

    // MARK: The warden

    package static let networksReady = Metric(
        .gauge, "corral_network_namespaces_ready", "Network namespaces that wait for sessions")
    package static let networksMost = Metric(
        .gauge, "corral_network_namespaces_limit", "Network namespaces that are kept ready; 0: none is")
    package static let networksTaken = Metric(
        .counter, "corral_network_namespaces_taken", "Sessions of this warden that got one that was ready",
        isAsked: true)
    package static let networksMissed = Metric(
        .counter, "corral_network_namespaces_missed",
        "Sessions of this warden that waited until theirs was made", isAsked: true)
    package static let wardenSessions = Metric(
        .gauge, "corral_warden_sessions", "Sandboxes that the warden has")
    package static let wardenProcesses = Metric(
        .gauge, "corral_warden_processes", "Processes in sandboxes that the warden has")
    package static let wardenDescriptors = Metric(
        .gauge, "corral_warden_descriptors", "Descriptors that the warden keeps for sessions")
    package static let wardenDescriptorLimit = Metric(
        .gauge, "corral_warden_descriptors_limit", "Descriptors that the warden may keep")
    package static let wardenCPU = Metric(
        .counter, "corral_warden_cpu_seconds", "Processor time that the warden itself has used", isAsked: true
    )
    package static let wardenMemory = Metric(
        .gauge, "corral_warden_resident_memory_bytes", "Memory of the warden itself that is resident")

    static let warden = [
        networksReady, networksMost, networksTaken, networksMissed, wardenSessions, wardenProcesses,
        wardenDescriptors, wardenDescriptorLimit, wardenCPU, wardenMemory,
    ]

    // MARK: The process, by the names that every exporter has

    package static let processCPU = Metric(
        .counter, "process_cpu_seconds", "Processor time that corrald has used", isAsked: true)
    package static let processResident = Metric(
        .gauge, "process_resident_memory_bytes", "Memory of corrald that is resident")
    package static let processVirtual = Metric(
        .gauge, "process_virtual_memory_bytes", "Address space of corrald")
    package static let processDescriptors = Metric(
        .gauge, "process_open_fds", "Descriptors that corrald has open")
    package static let processMostDescriptors = Metric(
        .gauge, "process_max_fds", "Descriptors that corrald may have open")
    package static let processStarted = Metric(
        .gauge, "process_start_time_seconds", "When corrald began, in seconds since 1970")

    static let process = [
        processCPU, processResident, processVirtual, processDescriptors, processMostDescriptors,
        processStarted,
    ]
}
