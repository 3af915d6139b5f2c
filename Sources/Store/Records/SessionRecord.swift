/// What is kept of a session.
package struct SessionRecord: Hashable, Sendable {
    /// 16 lower-case hexadecimal digits.
    package let id: String
    /// Unique among the tenant's live sessions; nil for none.
    package let name: String?
    package let tenant: String
    package let profile: String
    package let image: String
    /// What was asked for, as JSON.
    package let spec: String
    package let labels: [String: String]
    /// What makes a repeated request to create it known; nil where the client gave no key.
    package let request: Request?
    package let created: Moment
    package var standing: SessionStanding

    package init(
        id: String, name: String? = nil, tenant: String, profile: String, image: String, spec: String,
        labels: [String: String] = [:], request: Request? = nil, created: Moment, standing: SessionStanding
    ) {
        self.id = id
        self.name = name
        self.tenant = tenant
        self.profile = profile
        self.image = image
        self.spec = spec
        self.labels = labels
        self.request = request
        self.created = created
        self.standing = standing
    }

    /// An idempotency key, and a digest of what was asked for under it.
    package struct Request: Hashable, Sendable {
        package let key: String
        package let digest: String

        package init(key: String, digest: String) {
            self.key = key
            self.digest = digest
        }
    }
}

/// What changes in a session's record.
package struct SessionStanding: Hashable, Sendable {
    package var state: String
    /// Until nothing of it is left outside: for as long the reconciler must look at it, and its name is taken.
    package var isLive = true
    package var cause: String?
    package var started: Moment?
    package var ended: Moment?
    /// The boot in which its times on the clock of ``Moment/boot`` mean something.
    package var boot: String
    /// The warden that has it in custody; nil before one does.
    package var warden: String?
    /// When it ends, in nanoseconds of CLOCK_BOOTTIME; nil for never.
    package var ttlDeadline: UInt64?
    package var idleDeadline: UInt64?
    package var maxDeadline: UInt64?
    /// In nanoseconds of CLOCK_BOOTTIME.
    package var lastUse: UInt64
    /// How often its removal was tried in vain.
    package var removals: UInt64 = 0
    /// Lengths in nanoseconds: what a renewal that states none begins again, and the time without use; nil
    /// for none.
    package var ttl: UInt64?
    package var idle: UInt64?
    /// Which processes count as use while they run; nil in the record of a daemon that did not tell.
    package var leases: String?
    /// While it stops: when what has not ended by itself is killed, in nanoseconds of CLOCK_BOOTTIME.
    package var killAt: UInt64?
    /// What there is to say about its end; empty for nothing.
    package var problem = ""

    package init(state: String, boot: String, lastUse: UInt64) {
        self.state = state
        self.boot = boot
        self.lastUse = lastUse
    }
}

extension SessionRecord {
    /// - Parameter labels: those of the session, which are in a table of their own.
    init(_ row: Row, labels: [String: String]) throws(StoreError) {
        var request: Request?
        if let key = try row.optionalText("request_key") {
            request = Request(key: key, digest: try row.text("request_digest"))
        }
        self.init(
            id: try row.text("id"), name: try row.optionalText("name"), tenant: try row.text("tenant"),
            profile: try row.text("profile"), image: try row.text("image"), spec: try row.text("spec"),
            labels: labels, request: request, created: try Moment(row, "created_wall", "created_boot"),
            standing: try SessionStanding(row))
    }
}

extension SessionStanding {
    init(_ row: Row) throws(StoreError) {
        self.init(
            state: try row.text("state"), boot: try row.text("boot"), lastUse: try row.unsigned("last_use"))
        isLive = try row.flag("live")
        cause = try row.optionalText("cause")
        started = try Moment.optional(row, "started_wall", "started_boot")
        ended = try Moment.optional(row, "ended_wall", "ended_boot")
        warden = try row.optionalText("warden")
        ttlDeadline = try row.optionalUnsigned("ttl_deadline")
        idleDeadline = try row.optionalUnsigned("idle_deadline")
        maxDeadline = try row.optionalUnsigned("max_deadline")
        removals = try row.unsigned("removals")
        ttl = try row.optionalUnsigned("ttl")
        idle = try row.optionalUnsigned("idle")
        leases = try row.optionalText("leases")
        killAt = try row.optionalUnsigned("kill_at")
        problem = try row.text("problem")
    }
}

extension Moment {
    init(_ row: Row, _ wall: String, _ boot: String) throws(StoreError) {
        self.init(wall: try row.integer(wall), boot: try row.unsigned(boot))
    }

    static func optional(_ row: Row, _ wall: String, _ boot: String) throws(StoreError) -> Moment? {
        try row.isNull(wall) ? nil : try Moment(row, wall, boot)
    }
}
