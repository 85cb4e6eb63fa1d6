"""What a run will cost and has cost: image tokens by published rules, dated prices, a limit in dollars."""
