import Glibc
package import Quotas
import Sandbox

extension Installation {
    /// A plan's file that the caller names.
    package func planText(_ path: String) throws(PreparationError) -> PlanText {
        let called = ConfigFile.called(path)
        do throws(ConfigFile.Problem) {
            let bytes = try ConfigFile.read(
                path, in: AT_FDCWD, owners: ConfigFile.owners(shipped: false), blocking: true)
            return PlanText(called: called, bytes: bytes, place: 0)
        } catch {
            switch error {
            case .system(let errno): throw PreparationError("plan \(shown(called)): \(errno)")
            case .refused(let why): throw PreparationError("plan \(shown(called)): \(why)")
            }
        }
    }

    /// Reads plans where this installation's are.
    package var planLibrary: PlanLibrary {
        let (directories, profiles) = (plans, self.directories)
        return PlanLibrary(
            find: { (name, place) throws(PlanUnreadable) in
                do throws(PreparationError) {
                    let owners = ProfileDirectory.Owner.allCases
                    let behind = place > 0 && place <= owners.count ? owners[place - 1] : nil
                    guard let found = try directories.find(name, .plan, behind: behind) else { return nil }
                    let number = (owners.firstIndex(of: found.directory) ?? 0) + 1
                    return PlanText(called: found.file.called, bytes: found.file.bytes, place: number)
                } catch {
                    throw PlanUnreadable(error.description)
                }
            },
            names: { (try? directories.names(.plan)) ?? [] },
            profiles: { (try? profiles.names(.profile)) ?? [] })
    }
}
