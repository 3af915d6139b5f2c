import CLinux
import Linux
import WardenProtocol

/// Network namespaces that are made before a sandbox needs one, each for one sandbox, once.
///
/// To make one takes 0.35 ms of the warden's one thread and is most of what a launch costs it, with a tail of
/// milliseconds while others are taken down; to enter one that is there takes a microsecond. So they are made
/// when the loop has nothing to do, one at a time. They belong to the warden's user namespace and not to the
/// sandbox's, so even an init with every capability in its own can change nothing in one; their loopback
/// interface is up before anybody is in it.
///
/// Where there is none left, a launch makes its own as it would without a pool: the same isolation, later.
final class NetworkPool {
    /// At most kept, and the default: a burst of so many before the loop is idle again. More would take
    /// descriptors of ``DescriptorBudget/reserve`` that a launch needs, and kernel memory for nothing.
    static let most = 8

    /// How many are kept; 0 for none ever.
    private let size: Int
    private let home: Held<FileDescriptor>?
    private let loop: EventLoop
    private let say: (EngineEvent) -> Void
    private var ready: [Held<FileDescriptor>] = []
    private var isFilling = false
    private var taken: UInt64 = 0
    private var missed: UInt64 = 0
    /// Why there are none, or fewer than there should be.
    private var problem = ""

    /// - Parameter isPrivileged: an ordinary user makes network namespaces with the user namespace that owns
    ///   them, at the launch itself.
    init(
        _ size: Int, isPrivileged: Bool, on loop: EventLoop, telling say: @escaping (EngineEvent) -> Void
    ) {
        self.loop = loop
        self.say = say
        guard size > 0, isPrivileged else {
            (self.size, home) = (0, nil)
            problem = size > 0 ? "it takes root's rights" : "none are asked for"
            return
        }
        do throws(SystemError) {
            home = Held(
                FileDescriptor(
                    owning: try call("open", on: "/proc/thread-self/ns/net") { clinux_network_own() }))
            self.size = min(size, NetworkPool.most)
        } catch {
            (self.size, home) = (0, nil)
            problem = error.description
            say(.remark("network namespaces are not made ahead of launches: \(error)"))
        }
        fill()
    }

    var state: NetworkPoolState {
        NetworkPoolState(
            ready: UInt32(clamping: ready.count), most: UInt32(clamping: size), taken: taken, missed: missed,
            problem: problem)
    }

    /// The number of the calling thread's own, for ``LaunchDescriptors``.
    var homeNumber: CInt { home?.value.number ?? -1 }

    /// One that nobody has had and nobody else will get; nil where none is ready. Whoever takes it closes it.
    func take() -> Held<FileDescriptor>? {
        guard size > 0 else { return nil }
        fill()
        guard let one = ready.popLast() else {
            missed += 1
            return nil
        }
        taken += 1
        return one
    }

    /// When there is nothing else to do. What failed is tried again at the next launch, and not for ever.
    private func fill() {
        guard !isFilling, size > 0 else { return }
        isFilling = true
        loop.whenIdle { [weak self] in self?.makeOne() }
    }

    private func makeOne() {
        isFilling = false
        guard ready.count < size, let home else { return }
        let number = home.value.number
        do throws(SystemError) {
            ready.append(
                Held(
                    FileDescriptor(owning: try call("unshare(CLONE_NEWNET)") { clinux_network_make(number) }))
            )
            problem = ""
            if ready.count < size { fill() }
        } catch {
            if problem.isEmpty {
                say(.remark("a network namespace cannot be made ahead of launches: \(error)"))
            }
            problem = error.description
        }
    }
}
