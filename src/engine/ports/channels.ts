/** A channel's recent messages as one text for a prompt, newest last. */
export type ChannelHistory = {
  readonly channel: string;
  readonly channelId: string;
  readonly messages: number;
  readonly text: string;
};

export type ChannelReader = (channel: string, messages: number) => Promise<ChannelHistory>;
