import API
import Access
import Configuration
import Sandbox
import Service
import Sessions
import Store
import Wire

// What tenants used by the day. Sessions and processes are counted by the store, with the record of their end; of
// disks only their size is known, so that somebody has to look from time to time.

extension Daemon {
    // MARK: Disks

    /// Counts what tenants had of disks for the time since this was done last: when it has changed, and every half
    /// minute.
    func countDisks() {
        let now = DiskMark(boot: boot, moment: DaemonClock.moment)
        let bytes = bytesOfVolumes()
        let held = diskBytes ?? bytes
        diskBytes = bytes
        if diskMark == nil {
            diskMark = (try? store.value(of: .disk)).flatMap { $0 }.flatMap { DiskMark($0) }
        }
        let since = diskMark
        diskMark = now
        // The time without any is passed over with the next that there is.
        if since != nil, held.isEmpty, bytes.isEmpty { return }
        var usage: [UsageRecord] = []
        for (day, time) in since?.span(to: now).days ?? [] {
            for (tenant, bytes) in held {
                var record = UsageRecord(tenant: tenant, day: day)
                let (product, overflows) = (bytes / 1024).multipliedReportingOverflow(by: time)
                record.disk = overflows ? .max / 1000 : product / 1000
                usage.append(record)
            }
        }
        journal.add(.disk(DiskRecord(usage: usage, until: now)), then: (), mayWait: true)
    }

    /// By tenant, of volumes that last and of those of sessions, by the limit that each has.
    private func bytesOfVolumes() -> [String: UInt64] {
        let usual = settings.number(.limitVolume)
        var bytes: [String: UInt64] = [:]
        func add(_ quota: WorkspaceQuota, _ tenant: Name) {
            let (sum, overflows) = bytes[tenant.description, default: 0]
                .addingReportingOverflow(quota.bytes ?? usual)
            bytes[tenant.description] = overflows ? .max : sum
        }
        for workspace in workspaces.all where workspace.state != .lost {
            add(workspace.quota, workspace.key.tenant)
        }
        for session in table.list() where !session.machine.hasEnded {
            if case .volume(let quota) = session.spec.workspace { add(quota, session.spec.tenant) }
        }
        return bytes
    }

    // MARK: What is asked

    func usage(_ request: Request) throws(ServiceError) -> Reply {
        let asked = try listed(request)
        let month = try Month(request.query["month"])
        countDisks()
        // What is counted with the next transaction is told of as well.
        let pending = Pending()
        journal.hurry()
        let intent = Batch.Work.intent { [weak self] problem in
            guard let self else { return }
            if let problem { return pending.fail(.notRecorded(problem)) }
            do throws(StoreError) {
                pending.complete(try usage(of: asked, month))
            } catch {
                pending.fail(ServiceError(.fault, "\(error)"))
            }
        }
        batches.append(Batch(work: intent, trace: log.trace))
        return .later(pending)
    }

    /// - Parameter asked: whose; nil for everybody's.
    private func usage(of asked: Name?, _ month: Month) throws(StoreError) -> Response {
        var days: [String: [Int64: UsageRecord]] = [:]
        for record in try store.usage(from: month.first, to: month.end) + running(month) {
            days[record.tenant, default: [:]][
                record.day, default: UsageRecord(tenant: record.tenant, day: record.day)
            ].add(record)
        }
        let seen = tenants.all.filter { $0.name == asked ?? $0.name }
        return .json(
            .object { object in
                object.add("month", month.text)
                object.array("tenants") { list in
                    for tenant in seen {
                        let found = days[tenant.name.description] ?? [:]
                        list.object { write(found.values.sorted { $0.day < $1.day }, tenant.name, to: &$0) }
                    }
                }
            })
    }

    /// Of sessions that have not ended, up to now.
    private func running(_ month: Month) -> [UsageRecord] {
        let now = DaemonClock.moment
        var records: [UsageRecord] = []
        for session in table.list() where !session.machine.hasEnded {
            guard let started = keeps[session.id]?.started,
                let span = SessionTime.span(started: started, ended: now, isSameBoot: true, lastUse: 0)
            else { continue }
            for (day, time) in span.days where month.has(day) {
                var record = UsageRecord(tenant: session.spec.tenant.description, day: day)
                record.sessionTime = time
                records.append(record)
            }
        }
        return records
    }

    private func write(_ days: [UsageRecord], _ tenant: Name, to object: inout JSONObjectWriter) {
        var total = UsageRecord(tenant: tenant.description, day: 0)
        for day in days { total.add(day) }
        object.add("tenant", tenant.description)
        write(total, to: &object)
        object.array("days") { list in
            for day in days {
                list.object { entry in
                    entry.add("day", Month.date(day.day))
                    write(day, to: &entry)
                }
            }
        }
    }

    private func write(_ used: UsageRecord, to object: inout JSONObjectWriter) {
        object.add("session_milliseconds", used.sessionTime)
        object.add("execs", used.execs)
        object.add("cpu_milliseconds", used.cpu / 1_000_000)
        object.add("byte_hours", used.disk / 3600 * 1024 + used.disk % 3600 * 1024 / 3600)
    }
}

/// A month of UTC.
struct Month {
    let text: String
    /// Days since 1970, the first of it and the first of the next.
    let first: Int64
    let end: Int64

    func has(_ day: Int64) -> Bool { first <= day && day < end }

    /// - Parameter asked: `2026-11`; nil for this month.
    init(_ asked: String?) throws(ServiceError) {
        let text = asked ?? String(APITime(milliseconds: DaemonClock.wall).description.prefix(7))
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2], let year = Int(parts[0]), let month = Int(parts[1]),
            parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }), year >= 1970,
            let start = APITime("\(text)-01T00:00:00Z"),
            let next = APITime(
                month == 12
                    ? "\(Month.digits(year + 1, 4))-01-01T00:00:00Z"
                    : "\(parts[0])-\(Month.digits(month + 1, 2))-01T00:00:00Z")
        else {
            throw ServiceError(
                .invalid, "month: \(quoted(text)) is no month; expected one such as 2026-11", field: "month")
        }
        self.text = text
        first = start.milliseconds / DaySpan.day
        end = next.milliseconds / DaySpan.day
    }

    private static func digits(_ number: Int, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }

    static func date(_ day: Int64) -> String {
        String(APITime(milliseconds: day * DaySpan.day).description.prefix(10))
    }
}
