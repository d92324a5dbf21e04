import type { Bank } from "./bank.js";

export const shippedBank: Bank = {
  name: "provisional",
  spreads: {
    agreement: 0.25,
    clique: 0.03,
    size: 0.06,
    shape: 0.08,
    evenness: 0.02,
    outside: 0.1,
    moved: 0.08,
  },
  thresholds: [
    {
      clients: 6,
      federations: 1,
      quantiles: [
        { rate: 0.5, score: 6 },
        { rate: 0.05, score: 12 },
        { rate: 0.01, score: 18 },
      ],
    },
    {
      clients: 14,
      federations: 1,
      quantiles: [
        { rate: 0.5, score: 6 },
        { rate: 0.05, score: 9 },
        { rate: 0.01, score: 12 },
      ],
    },
    {
      clients: 20,
      federations: 1,
      quantiles: [
        { rate: 0.5, score: 7 },
        { rate: 0.05, score: 10 },
        { rate: 0.01, score: 13 },
      ],
    },
    {
      clients: 100,
      federations: 1,
      quantiles: [
        { rate: 0.5, score: 8 },
        { rate: 0.05, score: 12 },
        { rate: 0.01, score: 16 },
      ],
    },
  ],
};
