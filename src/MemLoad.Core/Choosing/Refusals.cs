namespace MemLoad;

/// <summary>What a refused load says: which limit, how much is missing, and what to type instead.</summary>
internal static class Refusals
{
    /// <summary>Puts a refusal into words.</summary>
    /// <param name="asked">The strategy that was asked for.</param>
    /// <param name="refused">The plan that does not fit.</param>
    /// <param name="nearest">What else was found: a plan that fits, or the one that lacks least.</param>
    /// <param name="device">The device.</param>
    /// <param name="fitsOnHost">Whether mapping the file on the host itself would fit.</param>
    public static MemLoadException Of(Strategy asked, PlanCandidate refused, PlanCandidate nearest, IDevice device, bool fitsOnHost)
    {
        Shortfall lack = refused.Shortfall!.Value;
        string remedy = Remedy(asked, nearest, fitsOnHost);
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

    private static string Remedy(Strategy asked, PlanCandidate nearest, bool fitsOnHost)
    {
        if (nearest.Shortfall is null)
        {
            // A smaller ring is nothing one asks for by name: Auto takes it.
            Strategy type = nearest.HasUsualRing ? nearest.Strategy : Strategy.Auto;
            return $"{nearest.Name} fits: type -Strategy {type} (--strategy {type}), or -Force (--force) to load all the same.";
        }
        string least = asked == Strategy.Auto ? "" : $"Nothing else fits either; nearest is {nearest.Name}, {Printable.Bytes(nearest.Shortfall.Value.MissingBytes)} short. ";
        string host = fitsOnHost ? "On the host itself Mmap fits: type -Device cpu -Strategy Mmap (--device cpu --strategy Mmap). Or free" : "Free";
        return $"{least}{host} memory, raise the limit, take fewer tensors (-Include, --include), or load all the same with -Force (--force).";
    }
}
