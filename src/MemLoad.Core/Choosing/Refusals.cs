namespace MemLoad;

/// <summary>What a refused load says: which limit, how much is missing, and what to type instead.</summary>
internal static class Refusals
{
    /// <summary>Puts a refusal into words.</summary>
    /// <param name="refused">The plan that does not fit.</param>
    /// <param name="nearest">What else was found: a plan that fits, or the one that lacks least.</param>
    /// <param name="device">The device.</param>
    /// <param name="budget">What the load may take.</param>
    /// <param name="request">What was asked for: the limits that its user set are the ones to raise.</param>
    /// <param name="fitsOnHost">Whether mapping the file on the host itself would fit.</param>
    public static MemLoadException Of(
        PlanCandidate refused, PlanCandidate nearest, IDevice device, MemoryBudget budget, LoadRequest request, bool fitsOnHost)
    {
        Strategy asked = request.Strategy;
        Shortfall lack = refused.Shortfall!.Value;
        string remedy = Remedy(lack, refused, nearest, budget, request, fitsOnHost);
        string name = asked == Strategy.Auto ? $"no strategy fits; the nearest, {refused.Name}," : refused.Name;
        if (lack.Limit is not MemoryLimit limit)
        {
            return Rules.DeviceLimitExceeded.Broken(
                $"{name} needs {Printable.Bytes(lack.NeedBytes)} of device memory on '{device.Name}', its allocator's rounding included, "
                + $"{Printable.Bytes(lack.MissingBytes)} more than the {Printable.Bytes(lack.BudgetBytes)} there are",
                remedy: remedy);
        }
        string what = limit.Counts switch
        {
            Counted.AddressSpace => "address space",
            Counted.AnonymousAndShared when device.ReservesSharedMemory && refused.Forecast.Device.PeakReserved > 0 => $"host memory, that behind '{device.Name}' included",
            _ => "host memory",
        };
        string reserve = limit.ReserveBytes == 0 ? "" : $"; {Printable.Bytes(limit.ReserveBytes)} are kept in reserve";
        return Rules.HostLimitExceeded.Broken(
            $"{name} needs {Printable.Bytes(lack.NeedBytes)} of {what}, {Printable.Bytes(lack.MissingBytes)} more than the {Printable.Bytes(lack.BudgetBytes)} "
            + $"it may take: {limit.Why}{reserve}",
            remedy: remedy);
    }

    private static string Remedy(Shortfall lack, PlanCandidate refused, PlanCandidate nearest, MemoryBudget budget, LoadRequest request, bool fitsOnHost)
    {
        // No switch overrules a device, and a plan that host memory refuses first may not fit the device either.
        bool forceHelps = lack.Limit is not null && !(refused.Forecast.Device.PeakReserved > budget.DeviceBytes);
        if (nearest.Shortfall is null)
        {
            // A smaller ring is nothing one asks for by name: Auto takes it.
            Strategy type = nearest.HasUsualRing ? nearest.Strategy : Strategy.Auto;
            return $"{nearest.Name} fits: type -Strategy {type} (--strategy {type}){(forceHelps ? ", or -Force (--force) to load all the same" : "")}.";
        }
        string least = request.Strategy == Strategy.Auto
            ? ""
            : $"Nothing else fits either; nearest is {nearest.Name}, {Printable.Bytes(nearest.Shortfall.Value.MissingBytes)} short. ";
        string host = fitsOnHost ? "On the host itself Mmap fits: type -Device cpu -Strategy Mmap (--device cpu --strategy Mmap). Or " : "";
        string[] ways = [Room(lack, request), "take fewer tensors (-Include, --include)", .. forceHelps ? ["load all the same with -Force (--force)"] : Array.Empty<string>()];
        string all = $"{string.Join(", ", ways[..^1])}{(ways.Length > 2 ? "," : "")} or {ways[^1]}.";
        return $"{least}{host}{(host.Length > 0 ? all[0] : char.ToUpperInvariant(all[0]))}{all[1..]}";
    }

    // A limit that the user set is raised by its option; what a system or a card leaves is not.
    private static string Room(Shortfall lack, LoadRequest request) => lack.Limit is null
        ? lack.BudgetBytes == request.DeviceMemoryLimit ? "raise -DeviceMemoryLimit (--device-memory-limit)" : "free memory of the device"
        : lack.Limit.Name == MemoryBudget.OwnLimit ? "raise -HostMemoryLimit (--host-memory-limit)" : "free memory or raise the limit";
}
