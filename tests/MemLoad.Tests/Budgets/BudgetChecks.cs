namespace MemLoad.Tests.Budgets;

/// <summary>Compares a plan whose steps are known with a budget.</summary>
internal static class BudgetChecks
{
    public static Shortfall? Check(this MemoryBudget budget, LoadPlan plan, PlanForecast forecast) =>
        budget.Check(forecast, allocator =>
        {
            using var tally = new PlanTally(plan.Checkpoint, allocator);
            plan.ReadBy(tally);
        });
}
