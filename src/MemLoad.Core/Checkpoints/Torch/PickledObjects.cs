namespace MemLoad;

/// <summary>
/// Reads the pickle of a file that can have objects other than tensors. Without the user's consent, an object is refused. A second reading
/// then finds the remedy: the location of the tensors, and whether the file opens without its objects.
/// </summary>
internal static class PickledObjects
{
    /// <summary>The value of a pickle.</summary>
    /// <param name="Root">The value.</param>
    /// <param name="References">The storages that it refers to.</param>
    /// <param name="Objects">The findings about objects; null for a reading without them.</param>
    internal readonly record struct Reading(object? Root, StorageReferences References, ObjectVocabulary? Objects);

    /// <summary>The machine of one reading.</summary>
    /// <param name="input">The pickle.</param>
    /// <param name="references">The storages.</param>
    /// <param name="recalls">The memo numbers that are used again; null for all.</param>
    /// <param name="objects">The vocabulary of a reading with objects; null for one without.</param>
    public static PickleMachine Machine(PickleInput input, StorageReferences references, PickleRecalls? recalls,
        ObjectVocabulary? objects) =>
        objects is null
            ? new PickleMachine(input, references.Add, recalls)
            : new PickleMachine(
                input, id => (object?)objects.StorageOf(id, references) ?? references.Add(id), recalls, objects);

    /// <summary>Reads a pickle, with its objects if they are allowed.</summary>
    /// <param name="read">Reads the pickle with a vocabulary. It is called a second time if the first reading is refused.</param>
    /// <param name="budget">The budget of the file. Its limits say whether objects are allowed.</param>
    /// <exception cref="MemLoadException">The rules of pickles.</exception>
    public static Reading Read(Func<ObjectVocabulary?, Reading> read, FileBudget budget)
    {
        if (budget.Limits.AllowOpaque)
        {
            return read(new ObjectVocabulary(budget));
        }
        try
        {
            return read(null);
        }
        catch (MemLoadException refusal) when (refusal.Rule == Rules.PickleGlobal || refusal.Rule == Rules.PickledModule
            || refusal.Rule == Rules.TensorKind
            || refusal.Rule == Rules.PickleArguments || refusal.Rule == Rules.PickleState)
        {
            return WithoutConsent(read, refusal, budget);
        }
    }

    // A tensor of a subclass has objects among its arguments. If there are no others, only this tensor is refused, so that the rest can be
    // read.
    private static Reading WithoutConsent(Func<ObjectVocabulary?, Reading> read, MemLoadException refusal, FileBudget budget)
    {
        Reading reading;
        Remedy? remedy;
        try
        {
            reading = read(new ObjectVocabulary(budget) { Refusal = refusal });
            remedy = ObjectRemedy.For(reading.Root, budget);
        }
        catch (MemLoadException)
        {
            throw refusal;
        }
        if (reading.Objects!.Program is MemLoadException program)
        {
            throw program;
        }
        MemLoadException precise = remedy is null ? refusal
            : refusal.Rule.Broken(refusal.Finding, refusal.Path, refusal.Offset, refusal, remedy);
        reading.Objects.Refusal = precise;
        return reading.Objects.LooseCount == 0 ? reading : throw precise;
    }
}
